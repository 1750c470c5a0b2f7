import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { internal } from "../../rpc/rpc-error.ts";
import { Turns } from "../../storage/file/turns.ts";
import { asInternal } from "../common/as-internal.ts";
import { streamContent } from "../common/content-chunks.ts";
import type { EncodedEntry } from "../common/encoded-list.ts";
import { MessageWriter } from "../common/message-writer.ts";
import type { ListedBlob } from "./listed-blobs.ts";

/** A piece of a blob as replies carry it; id and size are empty in all but the first. */
export interface BlobPart {
  readonly oid: string;
  readonly size: number;
  readonly data: Uint8Array;
  /** A binary string. */
  readonly path: string;
}

/** How much is sent. */
export interface BlobLimits {
  /** Blobs at most; 0 is no limit. */
  readonly limit: number;
  /** Bytes of each blob at most; 0 sends none at all, a negative number all. */
  readonly bytesLimit: bigint;
}

const NOTHING = Buffer.alloc(0);

/** Blobs that are looked up without a break: some milliseconds. */
const BLOBS_PER_TURN = 200;

/** Cuts blobs into the parts that are sent of them. */
export async function* blobParts(
  objects: ObjectDatabase,
  blobs: AsyncIterable<ListedBlob>,
  { limit, bytesLimit }: BlobLimits,
  signal: AbortSignal,
): AsyncGenerator<BlobPart, void, undefined> {
  const turns = new Turns(signal, BLOBS_PER_TURN);
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
  { oid, path, header: known }: ListedBlob,
  bytesLimit: bigint,
  signal: AbortSignal,
): AsyncGenerator<BlobPart, void, undefined> {
  const header = known ?? objects.header(oid);
  if (header === undefined) {
    const doing = bytesLimit === 0n ? `retrieving object info for "${oid}"` : "requesting object";
    throw internal(`${doing}: object not found`);
  }
  const bytes = bytesLimit < 0n || bytesLimit > header.size ? header.size : Number(bytesLimit);
  let head: Omit<BlobPart, "data"> = { oid, size: header.size, path };
  if (bytes === 0) {
    yield { ...head, data: NOTHING };
    return;
  }
  for await (const data of streamContent(objects, oid, bytes, signal)) {
    yield { ...head, data };
    head = { oid: "", size: 0, path };
  }
}

/** The number of the list of blobs in the replies that carry one. */
const BLOBS_FIELD = 1;

/** Encodes parts as entries of a reply's list of blobs, with or without their paths. */
export function blobPartEncoder(withPaths: boolean): (part: BlobPart) => EncodedEntry {
  const writer = new MessageWriter();
  return ({ oid, size, data, path }) => {
    if (withPaths) writer.binary(4, path);
    writer.bytes(3, data);
    writer.number(2, size);
    writer.binary(1, oid);
    const length = writer.length;
    writer.message(BLOBS_FIELD, 0);
    return { bytes: writer.take(), size: length };
  };
}
