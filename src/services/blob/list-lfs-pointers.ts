import type { Oid } from "../../git/oid/oid.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { BlobService } from "../../proto/blob_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { LFS_POINTER_BYTES_MAX } from "./lfs-pointer.ts";
import { lfsPointerReplies } from "./lfs-pointers.ts";
import { listReachableBlobs } from "./listed-blobs.ts";
import { parseWalkRevisions } from "./parse-walk-revisions.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type ListLfsPointers = Handler<typeof BlobService.method.listLFSPointers>;

/**
 * Lists the pointers to large files that revisions reach. Those with the greatest length that a
 * pointer may have are left out, which other RPCs find.
 */
export function listLfsPointers(needs: Needs): ListLfsPointers {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const revisions = parseWalkRevisions(request.revisions);
    const { objects } = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: gitCall(call) };
    const blobs = reachableIds(located, revisions, ask);
    yield* lfsPointerReplies(objects, blobs, request.limit, call.signal);
  };
}

async function* reachableIds(
  ...[located, revisions, ask]: Parameters<typeof listReachableBlobs>
): AsyncGenerator<Oid, void, undefined> {
  for await (const { oid } of listReachableBlobs(located, revisions, ask, LFS_POINTER_BYTES_MAX)) {
    yield oid;
  }
}
