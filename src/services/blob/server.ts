import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { BlobService } from "../../proto/blob_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { getBlob } from "./get-blob.ts";
import { getBlobs } from "./get-blobs.ts";
import { getLfsPointers } from "./get-lfs-pointers.ts";
import { listAllBlobs } from "./list-all-blobs.ts";
import { listAllLfsPointers } from "./list-all-lfs-pointers.ts";
import { listBlobs } from "./list-blobs.ts";
import { listLfsPointers } from "./list-lfs-pointers.ts";

interface Needs extends ReadNeeds {
  readonly git: GitRunner;
}

export function blobService(needs: Needs): ServiceRegistration {
  return serve(BlobService, {
    getBlob: getBlob(needs),
    getBlobs: getBlobs(needs),
    getLFSPointers: getLfsPointers(needs),
    listAllBlobs: listAllBlobs(needs),
    listAllLFSPointers: listAllLfsPointers(needs),
    listBlobs: listBlobs(needs),
    listLFSPointers: listLfsPointers(needs),
  });
}
