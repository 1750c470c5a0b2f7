import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { type BlobService, GetBlobResponseSchema } from "../../proto/blob_pb.ts";
import { EncodedReply } from "../../rpc/encoded-reply.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import { CONTENT_CHUNK_BYTES, streamContent } from "../common/content-chunks.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { MessageWriter } from "../common/message-writer.ts";
import { openLocated, type ReadNeeds } from "../common/open-repository.ts";
import { quietly, readSmallObject } from "../common/read-commit.ts";
import { findObject } from "../common/resolve-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type GetBlob = EncodingHandler<typeof BlobService.method.getBlob>;
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
      const small = oid && smallBlob(objects, oid, limit);
      if (small !== undefined) {
        yield small;
        return;
      }
      const header = oid && objects.header(oid);
      if (oid === undefined || header?.type !== "blob") {
        yield {};
        return;
      }
      const size = contentBytes(limit, header.size);
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

/** The reply for a blob that fits into one; undefined for everything else. */
function smallBlob(
  objects: ObjectDatabase,
  oid: Oid,
  limit: bigint,
): EncodedReply<typeof GetBlobResponseSchema> | undefined {
  const blob = quietly(() => readSmallObject(objects, oid, CONTENT_CHUNK_BYTES));
  if (blob?.type !== "blob") return undefined;
  const { content } = blob;
  const bytes = contentBytes(limit, content.length);
  const writer = new MessageWriter(bytes + FIELDS_BYTES);
  writer.binary(3, oid);
  writer.bytes(2, content, 0, bytes);
  writer.number(1, content.length);
  return new EncodedReply(GetBlobResponseSchema, writer.finish());
}

/** More than the id, the size and the keys of all fields take. */
const FIELDS_BYTES = 128;

/** How much of a blob is wanted. */
function contentBytes(limit: bigint, size: number): number {
  return limit >= 0n && limit < size ? Number(limit) : size;
}
