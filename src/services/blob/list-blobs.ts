import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { type BlobService, ListBlobsResponseSchema } from "../../proto/blob_pb.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { encodedEntrySize, encodedReply } from "../common/encoded-list.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { blobPartEncoder, blobParts } from "./blob-parts.ts";
import { listReachableBlobs } from "./listed-blobs.ts";
import { parseWalkRevisions } from "./parse-walk-revisions.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type ListBlobs = EncodingHandler<typeof BlobService.method.listBlobs>;

/** Lists the blobs that revisions reach, with as much of their content as asked for. */
export function listBlobs(needs: Needs): ListBlobs {
  return async function* (request, call) {
    const located = locateRepository(needs.locator, request.repository);
    const revisions = parseWalkRevisions(request.revisions);
    const { objects } = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: gitCall(call) };
    const blobs = listReachableBlobs(located, revisions, ask);
    const chunk = new ReplyChunk(encodedEntrySize);
    const encode = blobPartEncoder(request.withPaths);
    try {
      for await (const part of blobParts(objects, blobs, request, call.signal)) {
        const full = chunk.add(encode(part));
        if (full !== undefined) yield encodedReply(ListBlobsResponseSchema, full);
      }
    } catch (error) {
      throw wrapError("internal", "processing blobs", error);
    }
    const rest = chunk.rest();
    if (rest !== undefined) yield encodedReply(ListBlobsResponseSchema, rest);
  };
}
