import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import type { Oid } from "../../git/oid/oid.ts";
import type { LFSPointerSchema } from "../../proto/blob_pb.ts";
import { internal } from "../../rpc/rpc-error.ts";
import { Turns } from "../../storage/file/turns.ts";
import { asInternal } from "../common/as-internal.ts";
import { fieldSize, numberFieldSize } from "../common/message-size.ts";
import { ReplyChunk } from "../common/reply-chunk.ts";
import { LFS_POINTER_BYTES_MAX, parseLfsPointer } from "./lfs-pointer.ts";

type Pointer = MessageInitShape<typeof LFSPointerSchema> & {
  readonly oid: Oid;
  readonly data: Buffer;
  readonly fileOid: Uint8Array;
  readonly fileSize: bigint;
};

/**
 * Finds the pointers to large files among blobs and gathers them for replies.
 *
 * @param limit pointers at most; none unless positive
 */
export async function* lfsPointerReplies(
  objects: ObjectDatabase,
  blobs: AsyncIterable<Oid>,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<{ lfsPointers: Pointer[] }, void, undefined> {
  const turns = new Turns(signal);
  const chunk = new ReplyChunk(pointerSize);
  let count = 0;
  try {
    for await (const oid of blobs) {
      if (turns.isOver()) await turns.next();
      const pointer = readPointer(objects, oid);
      if (pointer === undefined) continue;
      const full = chunk.add(pointer);
      if (full !== undefined) yield { lfsPointers: full };
      if (++count === limit) break;
    }
  } catch (error) {
    throw asInternal(error);
  }
  const rest = chunk.rest();
  if (rest !== undefined) yield { lfsPointers: rest };
}

function readPointer(objects: ObjectDatabase, oid: Oid): Pointer | undefined {
  const object = objects.read(oid, LFS_POINTER_BYTES_MAX);
  if (object === undefined) throw internal("requesting object: object not found");
  const { content: data } = object;
  const file = parseLfsPointer(data);
  return file && { oid, data, size: BigInt(data.length), ...file };
}

function pointerSize({ oid, data, fileOid, fileSize }: Pointer): number {
  return (
    numberFieldSize(data.length) +
    fieldSize(data.length) +
    fieldSize(oid.length) +
    numberFieldSize(Number(fileSize)) +
    fieldSize(fileOid.length)
  );
}
