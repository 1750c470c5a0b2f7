import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { BlobService } from "../../proto/blob_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { getBlob } from "./get-blob.ts";

interface Needs extends ReadNeeds {
  readonly git: GitRunner;
}

export function blobService(needs: Needs): ServiceRegistration {
  return serve(BlobService, {
    getBlob: getBlob(needs),
  });
}
