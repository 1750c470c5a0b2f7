import { CorruptObjectError } from "../object/object-error.ts";
import { type ObjectFormat, OID_BYTES } from "../oid/oid.ts";
import type { PooledFile } from "./file-pool.ts";

/*
 * Multi-pack-indexes and commit-graphs share a frame: a header, a table with an id of four
 * characters and an 8-byte offset per chunk, closed by id 0 and the offset where the last chunk
 * ends, the chunks, and a checksum.
 */
const ROW_BYTES = 12;

/** Where a chunk stands in its file. */
export interface Chunk {
  readonly offset: number;
  readonly length: number;
}

/** Numbers by which files name their object format. */
export const HASH_VERSION: Readonly<Record<ObjectFormat, number>> = { sha1: 1, sha256: 2 };

/**
 * Reads the table of `count` chunks at `offset`. Every chunk is inside the file; an id that comes
 * twice or out of order is refused. Throws `CorruptObjectError`.
 */
export function readChunks(
  file: PooledFile,
  offset: number,
  count: number,
  format: ObjectFormat,
): ReadonlyMap<string, Chunk> {
  const table = file.readExactly(offset, (count + 1) * ROW_BYTES);
  const limit = file.size - OID_BYTES[format];
  const chunks = new Map<string, Chunk>();
  for (let row = 0; row < count; row++) {
    const id = table.toString("latin1", row * ROW_BYTES, row * ROW_BYTES + 4);
    const start = chunkOffset(table, row);
    const end = chunkOffset(table, row + 1);
    if (start < offset + table.length || end < start || end > limit) {
      throw corrupt(file, "chunk is outside of its file");
    }
    if (id === TERMINATOR || chunks.has(id)) throw corrupt(file, "chunk has an unexpected id");
    chunks.set(id, { offset: start, length: end - start });
  }
  if (table.toString("latin1", count * ROW_BYTES, count * ROW_BYTES + 4) !== TERMINATOR) {
    throw corrupt(file, "table of chunks doesn't end");
  }
  return chunks;
}

const TERMINATOR = "\0\0\0\0";

function chunkOffset(table: Buffer, row: number): number {
  return Number(table.readBigUInt64BE(row * ROW_BYTES + 4));
}

/** Returns the chunk, which must be there and have this length if one is given. */
export function requireChunk(
  file: PooledFile,
  chunks: ReadonlyMap<string, Chunk>,
  id: string,
  length?: number,
): Chunk {
  const chunk = chunks.get(id);
  if (chunk === undefined) throw corrupt(file, "required chunk is missing");
  if (length !== undefined && chunk.length !== length) {
    throw corrupt(file, "chunk has another size than its entries need");
  }
  return chunk;
}

function corrupt(file: PooledFile, message: string): CorruptObjectError {
  return new CorruptObjectError(message, { metadata: { path: file.path } });
}
