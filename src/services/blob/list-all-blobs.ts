import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { BlobService } from "../../proto/blob_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { gitCall } from "../common/git-call.ts";
import { openRepository, type ReadNeeds } from "../common/open-repository.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { blobPartSize, blobParts } from "./blob-parts.ts";
import { listAllBlobs as listAll } from "./listed-blobs.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type ListAllBlobs = Handler<typeof BlobService.method.listAllBlobs>;

/** Lists all blobs of a repository, reachable or not, with as much of their content as asked for. */
export function listAllBlobs(needs: Needs): ListAllBlobs {
  return async function* (request, call) {
    const { located, objects } = openRepository(needs, request.repository, call);
    const blobs = listAll(located, { git: needs.git, gitCall: gitCall(call) });
    const chunk = new ReplyChunk(blobPartSize);
    try {
      for await (const { path: _, ...part } of blobParts(objects, blobs, request, call.signal)) {
        const full = chunk.add(part);
        if (full !== undefined) yield { blobs: full };
      }
    } catch (error) {
      throw wrapError("internal", "processing blobs", error);
    }
    const rest = chunk.rest();
    if (rest !== undefined) yield { blobs: rest };
  };
}
