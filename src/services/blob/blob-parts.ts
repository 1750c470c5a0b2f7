import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { internal } from "../../rpc/rpc-error.ts";
import { Turns } from "../../storage/file/turns.ts";
import { asInternal } from "../common/as-internal.ts";
import { streamContent } from "../common/content-chunks.ts";
import { fieldSize, numberFieldSize } from "../common/message-size.ts";
import type { ListedBlob } from "./listed-blobs.ts";

/** A piece of a blob as replies carry it; id and size are empty in all but the first. */
export interface BlobPart {
  readonly oid: string;
  readonly size: bigint;
  readonly data: Uint8Array;
  readonly path: Uint8Array;
}

type PathlessPart = Omit<BlobPart, "path"> & { readonly path?: Uint8Array };

/** How much is sent. */
export interface BlobLimits {
  /** Blobs at most; 0 is no limit. */
  readonly limit: number;
  /** Bytes of each blob at most; 0 sends none at all, a negative number all. */
  readonly bytesLimit: bigint;
}

const NOTHING = Buffer.alloc(0);

/** Cuts blobs into the parts that are sent of them. */
export async function* blobParts(
  objects: ObjectDatabase,
  blobs: AsyncIterable<ListedBlob>,
  { limit, bytesLimit }: BlobLimits,
  signal: AbortSignal,
): AsyncGenerator<BlobPart, void, undefined> {
  const turns = new Turns(signal);
  let count = 0;
  try {
    for await (const blob of blobs) {
      if (turns.isOver()) await turns.next();
      yield* partsOf(objects, blob, bytesLimit, signal);
      if (++count === limit) return;
    }
  } catch (error) {
    throw asInternal(error);
  }
}

async function* partsOf(
  objects: ObjectDatabase,
  { oid, path: name, header: known }: ListedBlob,
  bytesLimit: bigint,
  signal: AbortSignal,
): AsyncGenerator<BlobPart, void, undefined> {
  const header = known ?? objects.header(oid);
  if (header === undefined) {
    const doing = bytesLimit === 0n ? `retrieving object info for "${oid}"` : "requesting object";
    throw internal(`${doing}: object not found`);
  }
  const path = bytesFromBinary(name);
  const bytes = bytesLimit < 0n || bytesLimit > header.size ? header.size : Number(bytesLimit);
  let head: Omit<BlobPart, "data"> = { oid, size: BigInt(header.size), path };
  if (bytes === 0) {
    yield { ...head, data: NOTHING };
    return;
  }
  for await (const data of streamContent(objects, oid, bytes, signal)) {
    yield { ...head, data };
    head = { oid: "", size: 0n, path };
  }
}

/** Encoded size of a part in bytes, see `ReplyChunk`. */
export function blobPartSize({ oid, size, data, path }: PathlessPart): number {
  return (
    fieldSize(oid.length) +
    numberFieldSize(Number(size)) +
    fieldSize(data.length) +
    fieldSize(path?.length ?? 0)
  );
}
