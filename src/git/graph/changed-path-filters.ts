import type { Chunk } from "../pack/chunk-file.ts";
import type { PooledFile } from "../pack/file-pool.ts";
import { PagedRows } from "./paged-rows.ts";

/** Three numbers stand before the filters: version, hashes for each path, bits for each entry. */
export const FILTER_HEADER_BYTES = 12;

/** Bytes of a page of filters, as a power of two. */
const PAGE_BITS = 15;

/** The changed-path filters of one layer of a commit-graph: an array of bits for each commit. */
export class ChangedPathFilters {
  /** Version of the hash. */
  readonly version: number;
  /** Bits that each path sets. */
  readonly hashCount: number;
  /** What `find` has found: a page, where in it the filter begins, and the filter's bytes. */
  bytes: Buffer = EMPTY;
  start = 0;
  length = 0;
  readonly #ends: PagedRows;
  readonly #bits: PagedRows;

  /** The chunks must be inside of the file, and long enough for their headers. */
  constructor(
    file: PooledFile,
    { index, data }: { readonly index: Chunk; readonly data: Chunk },
    charge: (bytes: number) => void,
  ) {
    const header = file.readExactly(data.offset, FILTER_HEADER_BYTES);
    this.version = header.readUInt32BE(0);
    this.hashCount = header.readUInt32BE(4);
    this.#ends = new PagedRows(file, index.offset, 4, index.length / 4, charge);
    const start = data.offset + FILTER_HEADER_BYTES;
    const length = data.length - FILTER_HEADER_BYTES;
    this.#bits = new PagedRows(file, start, 1, length, charge, PAGE_BITS);
  }

  /**
   * Looks for the filter of the commit at a position. Returns `false` when it has no usable one;
   * else `mayHave` tells about it, until the next call.
   */
  find(position: number): boolean {
    if (position >= this.#ends.count) return false;
    const from = position === 0 ? 0 : this.#ends.uint32(position - 1, 0);
    const to = this.#ends.uint32(position, 0);
    if (to <= from || to > this.#bits.count) return false;
    this.length = to - from;
    this.start = this.#bits.offsetOf(from);
    this.bytes = this.#bits.pageOf(from);
    if (this.start + this.length > this.bytes.length) {
      this.bytes = this.#bits.slice(from, to);
      this.start = 0;
    }
    return true;
  }

  /** `false` when the path with these hashes surely isn't in the filter that was found. */
  mayHave(hashes: Uint32Array): boolean {
    const { bytes, start } = this;
    const bits = (this.length * 8) >>> 0;
    for (let i = 0; i < hashes.length; i++) {
      const bit = ((hashes[i] ?? 0) % bits) >>> 0;
      if (((bytes[start + (bit >>> 3)] ?? 0) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }

  /** Gives the memory back. */
  clear(): void {
    this.bytes = EMPTY;
    this.#ends.clear();
    this.#bits.clear();
  }
}

const EMPTY = Buffer.alloc(0);
