import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, wrapError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import type { BundleUris } from "../common/bundle-uri/bundle-uris.ts";
import { locateRepository } from "../common/locate-repository.ts";

type GenerateBundleUri = Handler<typeof RepositoryService.method.generateBundleURI>;

interface Needs {
  readonly locator: RepositoryLocator;
  /** Undefined when the configuration doesn't say where bundles go. */
  readonly bundleUris: BundleUris | undefined;
}

/** Makes a bundle of the default branch for clients to download before they clone. */
export function generateBundleUri({ locator, bundleUris }: Needs): GenerateBundleUri {
  return async (request, call) => {
    if (bundleUris === undefined) {
      throw failedPrecondition("no bundle-generation manager available");
    }
    const located = locateRepository(locator, request.repository);
    try {
      await bundleUris.generate(located, call);
    } catch (error) {
      throw wrapError("internal", "generate bundle", error);
    }
    return {};
  };
}
