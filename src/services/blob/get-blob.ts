import type { MessageInitShape } from "@bufbuild/protobuf";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { BlobService, GetBlobResponseSchema } from "../../proto/blob_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { streamContent } from "../common/content-chunks.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { findObject } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetBlob = Handler<typeof BlobService.method.getBlob>;
type Reply = MessageInitShape<typeof GetBlobResponseSchema>;

/**
 * Streams a blob's content, or as much of it as asked for. Id and size stand in the first reply;
 * they are empty when there is no such blob.
 */
export function getBlob(needs: Needs): GetBlob {
  return async function* ({ repository, oid: name, limit }, call) {
    const located = locateRepository(needs.locator, repository);
    if (name === "") throw invalidArgument("empty Oid");
    const reader = openLocated(needs, located, call);
    const { objects } = reader;
    try {
      const ask = { git: needs.git, gitCall: lazyGitCall(call) };
      const oid = await findObject(reader, binaryFromText(name), ask);
      const header = oid && objects.header(oid);
      if (oid === undefined || header?.type !== "blob") {
        yield {};
        return;
      }
      const size = limit >= 0n && limit < header.size ? Number(limit) : header.size;
      let reply: Reply = { oid, size: BigInt(header.size) };
      for await (const data of streamContent(objects, oid, size, call.signal)) {
        yield { ...reply, data };
        reply = {};
      }
      if (size === 0) yield reply;
    } catch (error) {
      throw wrapError("internal", "read object", error);
    }
  };
}
