import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { type BlobService, ListAllBlobsResponseSchema } from "../../proto/blob_pb.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { encodedEntrySize, encodedReply } from "../common/encoded-list.ts";
import { gitCall } from "../common/git-call.ts";
import { openRepository, type ReadNeeds } from "../common/open-repository.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { blobPartEncoder, blobParts } from "./blob-parts.ts";
import { listAllBlobs as listAll } from "./listed-blobs.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type ListAllBlobs = EncodingHandler<typeof BlobService.method.listAllBlobs>;

/** Lists all blobs of a repository, reachable or not, with as much of their content as asked for. */
export function listAllBlobs(needs: Needs): ListAllBlobs {
  return async function* (request, call) {
    const { located, objects } = openRepository(needs, request.repository, call);
    const blobs = listAll(located, { git: needs.git, gitCall: gitCall(call) });
    const chunk = new ReplyChunk(encodedEntrySize);
    const encode = blobPartEncoder(false);
    try {
      for await (const part of blobParts(objects, blobs, request, call.signal)) {
        const full = chunk.add(encode(part));
        if (full !== undefined) yield encodedReply(ListAllBlobsResponseSchema, full);
      }
    } catch (error) {
      throw wrapError("internal", "processing blobs", error);
    }
    const rest = chunk.rest();
    if (rest !== undefined) yield encodedReply(ListAllBlobsResponseSchema, rest);
  };
}
