import type { Oid } from "../../git/oid/oid.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { BlobService } from "../../proto/blob_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { gitCall } from "../common/git-call.ts";
import { openRepository, type ReadNeeds } from "../common/open-repository.ts";
import { LFS_POINTER_BYTES_MAX } from "./lfs-pointer.ts";
import { lfsPointerReplies } from "./lfs-pointers.ts";
import { listAllBlobs } from "./listed-blobs.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type ListAllLfsPointers = Handler<typeof BlobService.method.listAllLFSPointers>;

/** Lists all pointers to large files that a repository has, reachable or not. */
export function listAllLfsPointers(needs: Needs): ListAllLfsPointers {
  return async function* (request, call) {
    const { located, objects } = openRepository(needs, request.repository, call);
    const blobs = smallBlobs(located, { git: needs.git, gitCall: gitCall(call) });
    yield* lfsPointerReplies(objects, blobs, request.limit, call.signal);
  };
}

async function* smallBlobs(
  ...listing: Parameters<typeof listAllBlobs>
): AsyncGenerator<Oid, void, undefined> {
  for await (const { oid, header } of listAllBlobs(...listing)) {
    if (header.size <= LFS_POINTER_BYTES_MAX) yield oid;
  }
}
