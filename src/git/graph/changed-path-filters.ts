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

  /** The filter of the commit at a position, if it has a usable one. */
  at(position: number): Buffer | undefined {
    if (position >= this.#ends.count) return undefined;
    const start = position === 0 ? 0 : this.#ends.uint32(position - 1, 0);
    const end = this.#ends.uint32(position, 0);
    if (end <= start || end > this.#bits.count) return undefined;
    return this.#bits.slice(start, end);
  }

  /** Gives the memory back. */
  clear(): void {
    this.#ends.clear();
    this.#bits.clear();
  }
}
