import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { readSmallObject } from "./read-commit.ts";

/** Bytes of content in one reply. */
export const CONTENT_CHUNK_BYTES: number = 128 * 1024;

/** Objects up to this size are read at once. */
const SMALL_BYTES_MAX = 1024 * 1024;

/**
 * Yields the first `bytes` bytes of an object in pieces for replies: all but the last one have
 * `CONTENT_CHUNK_BYTES`. Large objects are read as the pieces are taken.
 *
 * Throws an ObjectNotFoundError when the object has vanished.
 */
export async function* streamContent(
  objects: ObjectDatabase,
  oid: Oid,
  bytes: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const object = readSmallObject(objects, oid, SMALL_BYTES_MAX);
  if (object !== undefined) {
    yield* cutContent(object.content.subarray(0, bytes));
    return;
  }
  const stream = await objects.stream(oid, signal);
  if (stream === undefined) throw new ObjectNotFoundError(oid);
  yield* regroup(stream.chunks, bytes);
}

/** Cuts content that is in memory into pieces for replies; none when it is empty. */
export function* cutContent(content: Buffer): Generator<Buffer, void, undefined> {
  for (let offset = 0; offset < content.length; offset += CONTENT_CHUNK_BYTES) {
    yield content.subarray(offset, offset + CONTENT_CHUNK_BYTES);
  }
}

async function* regroup(
  chunks: AsyncIterable<Buffer>,
  bytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let pieces: Buffer[] = [];
  let gathered = 0;
  let wanted = bytes;
  for await (const chunk of chunks) {
    let rest = chunk.subarray(0, wanted);
    wanted -= rest.length;
    while (gathered + rest.length >= CONTENT_CHUNK_BYTES) {
      const piece = rest.subarray(0, CONTENT_CHUNK_BYTES - gathered);
      yield pieces.length === 0 ? piece : Buffer.concat([...pieces, piece]);
      rest = rest.subarray(piece.length);
      pieces = [];
      gathered = 0;
    }
    if (rest.length > 0) pieces.push(rest);
    gathered += rest.length;
    if (wanted === 0) break;
  }
  if (gathered > 0) yield Buffer.concat(pieces);
}
