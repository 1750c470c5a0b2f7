/*
 * A block of a reftable (git's reftable format, "Ref block format" and "Index block format").
 *
 *   type          "r" references, "i" index, "o" objects, "g" log
 *   uint24        length of the block up to and with the restart count; log blocks: when inflated
 *   record …      see below; the first block of a file follows the file's header and counts it
 *   uint24 …      restart offsets: records whose prefix length is 0, from the block's start
 *   uint16        their number
 *   padding       zeros up to the block size of the table, unless the next block follows at once
 *
 *   record        varint(prefix length) varint(suffix length << 3 | value type) suffix value
 *   reference     varint(update index delta) and by value type
 *                   0 deleted   1 object id   2 object id, peeled object id   3 varint(n), target
 *   index         varint(offset of a block); the key is the last one in that block
 *
 * Keys are in the order of their bytes. A key begins with the first bytes of the key before it.
 */
import { type ObjectFormat, OID_BYTES, type Oid, oidFromBytes } from "../../oid/oid.ts";
import { CorruptRefStoreError } from "../ref-store-error.ts";

/** Types of blocks that hold references or lead to them; others end a search. */
export type BlockType = "r" | "i" | "o" | "g";

/** No reference has a longer name: git keeps names below the size of a block, and of a path. */
const KEY_BYTES_MAX = 16_384;

const HEADER_BYTES = 4;
const RESTART_BYTES = 3;
const COUNT_BYTES = 2;
const DEFAULT_BLOCK_BYTES = 4096;

/** Where a block lies in its file. */
export interface BlockPlace {
  readonly offset: number;
  /** The length of the file's header when the block is the first, else 0. */
  readonly headerBytes: number;
  /** The block size of the table, or 0 when blocks aren't aligned. */
  readonly blockBytes: number;
  /** Reads the file, at most to its footer. */
  readonly read: (start: number, end: number) => Buffer;
}

/** A parsed block. */
export class ReftableBlock {
  readonly type: BlockType;
  /** Where records begin and end. */
  readonly recordsStart: number;
  readonly recordsEnd: number;
  /** How far away the next block is. */
  readonly distance: number;
  readonly bytes: Buffer;
  readonly #restartCount: number;

  /** Reads and checks a block. Throws a CorruptRefStoreError. */
  constructor({ offset, headerBytes, blockBytes, read }: BlockPlace) {
    const guess = blockBytes === 0 ? DEFAULT_BLOCK_BYTES : blockBytes;
    let bytes = read(offset, offset + guess);
    this.recordsStart = headerBytes + HEADER_BYTES;
    if (bytes.length < this.recordsStart) throw corrupt();
    this.type = blockType(bytes[headerBytes]);
    const length = bytes.readUIntBE(headerBytes + 1, 3);
    if (length > bytes.length) bytes = read(offset, offset + length);
    if (length < this.recordsStart + COUNT_BYTES) throw corrupt();
    // What a log block holds is compressed; nothing looks into it.
    const isLog = this.type === "g";
    if (length > bytes.length && !isLog) throw corrupt();
    const isUnaligned = length < bytes.length && bytes[length] !== 0;
    this.distance = blockBytes === 0 || isUnaligned ? length : Math.max(length, blockBytes);
    this.#restartCount = isLog ? 0 : bytes.readUInt16BE(length - COUNT_BYTES);
    this.recordsEnd = length - COUNT_BYTES - RESTART_BYTES * this.#restartCount;
    if (this.recordsEnd < this.recordsStart) throw corrupt();
    this.bytes = bytes;
  }

  /** Where to begin to look for `key`: at the last restart whose key doesn't sort behind it. */
  restartBefore(key: string): number {
    let low = 0;
    let high = this.#restartCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#restartKey(middle) > key) high = middle;
      else low = middle + 1;
    }
    return low === 0 ? this.recordsStart : this.#restartOffset(low - 1);
  }

  #restartKey(index: number): string {
    const cursor = new RecordCursor(this, this.#restartOffset(index));
    if (!cursor.nextKey()) throw corrupt();
    return cursor.key;
  }

  #restartOffset(index: number): number {
    const offset = this.bytes.readUIntBE(this.recordsEnd + RESTART_BYTES * index, RESTART_BYTES);
    if (offset < this.recordsStart || offset >= this.recordsEnd) throw corrupt();
    return offset;
  }
}

/** Reads the records of a block one after the other. Throws a CorruptRefStoreError. */
export class RecordCursor {
  /** The key of the record that was read last. */
  key = "";
  /** Its value type. */
  valueType = 0;
  readonly #bytes: Buffer;
  readonly #end: number;
  #offset: number;

  /** Starts at `offset`, where a record must begin whose prefix length is 0. */
  constructor(block: ReftableBlock, offset: number) {
    this.#bytes = block.bytes;
    this.#end = block.recordsEnd;
    this.#offset = offset;
  }

  /** Reads the next record's key, or returns false at the end. Its value must be read next. */
  nextKey(): boolean {
    if (this.#offset >= this.#end) return false;
    const prefixLength = this.varint();
    const lengthAndType = this.varint();
    const suffixLength = Math.floor(lengthAndType / 8);
    this.valueType = lengthAndType % 8;
    if (prefixLength > this.key.length || prefixLength + suffixLength > KEY_BYTES_MAX)
      throw corrupt();
    this.key = this.key.slice(0, prefixLength) + this.text(suffixLength);
    return true;
  }

  /** Reads a number. Each byte but the last has its high bit set; no number has two spellings. */
  varint(): number {
    let byte = this.#byte();
    let value = byte & 0x7f;
    while (byte >= 0x80) {
      byte = this.#byte();
      value = (value + 1) * 128 + (byte & 0x7f);
      if (value > Number.MAX_SAFE_INTEGER) throw corrupt();
    }
    return value;
  }

  /** Reads bytes as a binary string. */
  text(length: number): string {
    const start = this.#skip(length);
    return this.#bytes.toString("latin1", start, start + length);
  }

  /** Reads an object id. */
  oid(format: ObjectFormat): Oid {
    return oidFromBytes(this.#bytes, this.#skip(OID_BYTES[format]), format);
  }

  /** Goes behind the next bytes and returns where they begin. */
  #skip(length: number): number {
    const start = this.#offset;
    if (length > this.#end - start) throw corrupt();
    this.#offset = start + length;
    return start;
  }

  #byte(): number {
    const byte = this.#offset < this.#end ? this.#bytes[this.#offset++] : undefined;
    if (byte === undefined) throw corrupt();
    return byte;
  }
}

/** The error for all that can't be in a reftable. */
export function corrupt(): CorruptRefStoreError {
  return new CorruptRefStoreError("reftable is damaged");
}

function blockType(byte: number | undefined): BlockType {
  const type = String.fromCharCode(byte ?? 0);
  if (type !== "r" && type !== "i" && type !== "o" && type !== "g") throw corrupt();
  return type;
}
