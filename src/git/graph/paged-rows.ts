import type { PooledFile } from "../pack/file-pool.ts";

/** Rows of one page, as a power of two. */
const PAGE_BITS = 10;

/** Rows of equal length in a file, read page by page as they are needed and kept. */
export class PagedRows {
  readonly count: number;
  readonly rowBytes: number;
  readonly #file: PooledFile;
  readonly #offset: number;
  readonly #charge: (bytes: number) => void;
  readonly #bits: number;
  #pages: (Buffer | undefined)[] = [];

  /** `charge` is told the length of each page that is read; it has 2 to the power of `bits` rows. */
  constructor(
    file: PooledFile,
    offset: number,
    rowBytes: number,
    count: number,
    charge: (bytes: number) => void,
    bits: number = PAGE_BITS,
  ) {
    this.#bits = bits;
    this.#file = file;
    this.#offset = offset;
    this.rowBytes = rowBytes;
    this.count = count;
    this.#charge = charge;
  }

  /** The page that has a row; `offsetOf` tells where. The row must be one of the `count`. */
  pageOf(row: number): Buffer {
    return this.#pages[row >>> this.#bits] ?? this.#readPage(row >>> this.#bits);
  }

  /** Where in its page a row begins. */
  offsetOf(row: number): number {
    return (row & ((1 << this.#bits) - 1)) * this.rowBytes;
  }

  /** Reads the big-endian 32-bit number at byte `at` of a row. */
  uint32(row: number, at: number): number {
    const page = this.pageOf(row);
    const i = this.offsetOf(row) + at;
    const high = ((page[i] ?? 0) << 8) | (page[i + 1] ?? 0);
    return high * 0x10000 + (((page[i + 2] ?? 0) << 8) | (page[i + 3] ?? 0));
  }

  /** The bytes of rows from `first` up to, not including, `end`; a copy if they are on two pages. */
  slice(first: number, end: number): Buffer {
    const start = this.offsetOf(first);
    const length = (end - first) * this.rowBytes;
    const page = this.pageOf(first);
    if (start + length <= page.length) return page.subarray(start, start + length);
    const copy = Buffer.allocUnsafe(length);
    for (let row = first; row < end; ) {
      const source = this.pageOf(row);
      const copied = source.copy(copy, (row - first) * this.rowBytes, this.offsetOf(row));
      row += copied / this.rowBytes;
    }
    return copy;
  }

  /** Gives the memory back. Rows are read again when they are needed. */
  clear(): void {
    this.#pages = [];
  }

  #readPage(number: number): Buffer {
    const first = number << this.#bits;
    const length = Math.min(this.count - first, 1 << this.#bits) * this.rowBytes;
    const page = this.#file.readExactly(this.#offset + first * this.rowBytes, length);
    this.#pages[number] = page;
    this.#charge(length);
    return page;
  }
}
