import type { PooledFile } from "../pack/file-pool.ts";

/** Rows of one page, as a power of two. */
const PAGE_BITS = 10;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

/** Rows of equal length in a file, read page by page as they are needed and kept. */
export class PagedRows {
  readonly count: number;
  readonly rowBytes: number;
  readonly #file: PooledFile;
  readonly #offset: number;
  readonly #charge: (bytes: number) => void;
  #pages: (Buffer | undefined)[] = [];

  /** `charge` is told the length of each page that is read. */
  constructor(
    file: PooledFile,
    offset: number,
    rowBytes: number,
    count: number,
    charge: (bytes: number) => void,
  ) {
    this.#file = file;
    this.#offset = offset;
    this.rowBytes = rowBytes;
    this.count = count;
    this.#charge = charge;
  }

  /** The page that has a row; `offsetOf` tells where. The row must be one of the `count`. */
  pageOf(row: number): Buffer {
    return this.#pages[row >>> PAGE_BITS] ?? this.#readPage(row >>> PAGE_BITS);
  }

  /** Where in its page a row begins. */
  offsetOf(row: number): number {
    return (row & PAGE_MASK) * this.rowBytes;
  }

  /** Reads the big-endian 32-bit number at byte `at` of a row. */
  uint32(row: number, at: number): number {
    const page = this.pageOf(row);
    const i = this.offsetOf(row) + at;
    const high = ((page[i] ?? 0) << 8) | (page[i + 1] ?? 0);
    return high * 0x10000 + (((page[i + 2] ?? 0) << 8) | (page[i + 3] ?? 0));
  }

  /** Gives the memory back. Rows are read again when they are needed. */
  clear(): void {
    this.#pages = [];
  }

  #readPage(number: number): Buffer {
    const first = number << PAGE_BITS;
    const length = Math.min(this.count - first, 1 << PAGE_BITS) * this.rowBytes;
    const page = this.#file.readExactly(this.#offset + first * this.rowBytes, length);
    this.#pages[number] = page;
    this.#charge(length);
    return page;
  }
}
