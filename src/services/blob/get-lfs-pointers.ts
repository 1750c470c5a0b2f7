import { quoteText } from "../../base/text/quote-text.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { BlobService } from "../../proto/blob_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";
import { LFS_POINTER_BYTES_MAX } from "./lfs-pointer.ts";
import { lfsPointerReplies } from "./lfs-pointers.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetLfsPointers = Handler<typeof BlobService.method.getLFSPointers>;

/** Answers those of the given blobs that are pointers to large files. */
export function getLfsPointers(needs: Needs): GetLfsPointers {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    if (request.blobIds.length === 0) throw invalidArgument("empty BlobIds");
    const repository = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    const blobs = smallBlobs(repository, request.blobIds, ask);
    yield* lfsPointerReplies(repository.objects, blobs, 0, call.signal);
  };
}

/** Finds the blobs among what revisions name, most often ids, that aren't too large for a pointer. */
async function* smallBlobs(
  repository: OpenedRepository,
  revisions: readonly string[],
  ask: RevisionNeeds,
): AsyncGenerator<Oid, void, undefined> {
  for (const revision of revisions) {
    const oid = await findObject(repository, binaryFromText(revision), ask);
    const header = oid && repository.objects.header(oid);
    if (oid === undefined || header === undefined) {
      const message = `retrieving object info for ${quoteText(revision)}: object not found`;
      throw internal(message, { metadata: { revision } });
    }
    if (header.type === "blob" && header.size <= LFS_POINTER_BYTES_MAX) yield oid;
  }
}
