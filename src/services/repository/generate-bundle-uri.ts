import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition } from "../../rpc/rpc-error.ts";

type GenerateBundleUri = Handler<typeof RepositoryService.method.generateBundleURI>;

/**
 * Would make a bundle for clients to download before they clone. No place for such bundles can be
 * configured yet, and without one every server refuses, whatever the repository.
 */
export function generateBundleUri(): GenerateBundleUri {
  return () => Promise.reject(failedPrecondition("no bundle-generation manager available"));
}
