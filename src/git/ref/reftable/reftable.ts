/*
 * A reftable file (git's reftable format, "File format").
 *
 *   header        "REFT" uint8 version; uint24 block size; uint64 min, uint64 max update index;
 *                 in version 2: "sha1" or "s256"
 *   ref blocks    the first shares the header's block
 *   index         of the ref blocks, when there are four or more; may have several levels, the
 *                 topmost last
 *   obj blocks, their index, log blocks, their index
 *   footer        the header again; uint64 each: position of the ref index, position of obj blocks
 *                 << 5 | length of abbreviated ids, of the obj index, of log blocks, of the log
 *                 index; uint32 CRC-32 of the footer so far. A position of 0 means there is none.
 */
import { crc32 } from "node:zlib";
import type { ObjectFormat } from "../../oid/oid.ts";
import type { ByteSource } from "./byte-source.ts";
import { corrupt, RecordCursor, ReftableBlock } from "./reftable-block.ts";
import { ReftableCursor } from "./reftable-cursor.ts";

const HEADER_BYTES: Readonly<Record<number, number>> = { 1: 24, 2: 28 };
const FOOTER_EXTRA_BYTES = 44;

/** Levels of an index: with blocks of 4 KiB, four hold more references than git can. */
const INDEX_LEVELS_MAX = 16;

/** One table of a stack. Its content never changes. */
export class Reftable {
  readonly #source: ByteSource;
  readonly #format: ObjectFormat;
  readonly #headerBytes: number;
  readonly #blockBytes: number;
  readonly #indexOffset: number;
  /** Where blocks end. */
  readonly #end: number;
  readonly #hasRefs: boolean;

  /** Checks header and footer. Throws a CorruptRefStoreError. */
  constructor(source: ByteSource, format: ObjectFormat) {
    const version = source.read(4, 5)[0] ?? 0;
    const headerBytes = HEADER_BYTES[version];
    if (headerBytes === undefined) throw corrupt();
    const footerBytes = headerBytes + FOOTER_EXTRA_BYTES;
    this.#end = source.length - footerBytes;
    if (this.#end < headerBytes) throw corrupt();
    const header = source.read(0, headerBytes + 1);
    const footer = source.read(this.#end, source.length);
    checkEnds(header.subarray(0, headerBytes), footer, format);
    this.#source = source;
    this.#format = format;
    this.#headerBytes = headerBytes;
    this.#blockBytes = header.readUIntBE(5, 3);
    this.#indexOffset = readOffset(footer, headerBytes);
    this.#hasRefs = this.#end > headerBytes && header[headerBytes] === "r".charCodeAt(0);
  }

  /** Returns a cursor at the first reference whose name is `name` or sorts behind it. */
  seek(name: string): ReftableCursor {
    const cursor = new ReftableCursor((offset) => this.#block(offset), this.#format);
    if (this.#hasRefs) cursor.seek(this.#indexOffset === 0 ? 0 : this.#findBlock(name), name);
    return cursor;
  }

  /** The offset of the block that holds `name` if any does; undefined when it is behind all. */
  #findBlock(name: string): number | undefined {
    let offset: number | undefined = this.#indexOffset;
    let block = this.#block(offset);
    if (block?.type !== "i") throw corrupt();
    let next = findInIndex(block, name);
    // Only the topmost level isn't bounded by one above it.
    while (next === undefined) {
      offset += block.distance;
      block = this.#block(offset);
      if (block?.type !== "i") return undefined;
      next = findInIndex(block, name);
    }
    for (let level = 0; level < INDEX_LEVELS_MAX; level++) {
      const below = this.#block(next);
      if (below?.type === "r") return next;
      const found: number | undefined = below?.type === "i" ? findInIndex(below, name) : undefined;
      if (found === undefined) throw corrupt();
      next = found;
    }
    throw corrupt();
  }

  #block(offset: number): ReftableBlock | undefined {
    if (offset >= this.#end) return undefined;
    const read = (start: number, end: number): Buffer =>
      this.#source.read(start, Math.min(end, this.#end));
    const headerBytes = offset === 0 ? this.#headerBytes : 0;
    return new ReftableBlock({ offset, headerBytes, blockBytes: this.#blockBytes, read });
  }
}

/** Finds the block that an index says holds `name`; undefined when that is behind all its blocks. */
function findInIndex(block: ReftableBlock, name: string): number | undefined {
  const records = new RecordCursor(block, block.restartBefore(name));
  while (records.nextKey()) {
    const offset = records.varint();
    if (records.key >= name) return offset;
  }
  return undefined;
}

function checkEnds(header: Buffer, footer: Buffer, format: ObjectFormat): void {
  const expected = footer.readUInt32BE(footer.length - 4);
  if (
    header.toString("latin1", 0, 4) !== "REFT" ||
    !footer.subarray(0, header.length).equals(header)
  ) {
    throw corrupt();
  }
  if (crc32(footer.subarray(0, -4)) !== expected) throw corrupt();
  const hash = header[4] === 1 ? "sha1" : header.toString("latin1", 24, 28);
  if (hash !== (format === "sha1" ? "sha1" : "s256")) throw corrupt();
}

function readOffset(bytes: Buffer, position: number): number {
  const offset = bytes.readBigUInt64BE(position);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt();
  return Number(offset);
}
