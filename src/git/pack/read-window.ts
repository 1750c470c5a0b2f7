import type { PooledFile } from "./file-pool.ts";

/** What one read takes where the next one is likely to be elsewhere. */
const RANDOM_BYTES = 4 * 1024;

/** What one read takes where reads follow one another, as in a walk through history. */
const SEQUENTIAL_BYTES = 64 * 1024;

/** The longest stretch that a window can hold at once. */
export const WINDOW_BYTES_MAX: number = 256 * 1024;

/**
 * The stretch of a file that was read last, for code that reads little, often and synchronously.
 *
 * All readers share one: what it holds is valid only until the next call of `move`.
 */
export class ReadWindow {
  readonly buffer: Buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES_MAX);
  #file: PooledFile | undefined;
  #start = 0;
  #end = 0;

  /** End of the valid bytes in `buffer`. */
  get end(): number {
    return this.#end - this.#start;
  }

  /**
   * Makes `length` bytes of `file` from `position` stand in `buffer`, fewer only where the file
   * ends, and returns where they begin.
   */
  move(file: PooledFile, position: number, length: number): number {
    const isSame = file === this.#file;
    if (isSame && position >= this.#start && position + length <= this.#end) {
      return position - this.#start;
    }
    const follows = isSame && position >= this.#start && position <= this.#end + RANDOM_BYTES;
    const wanted = Math.max(length, follows ? SEQUENTIAL_BYTES : RANDOM_BYTES);
    // An error while reading must not leave the old place with new bytes.
    this.#file = undefined;
    const count = file.read(this.buffer, 0, Math.min(wanted, WINDOW_BYTES_MAX), position);
    this.#file = file;
    this.#start = position;
    this.#end = position + count;
    return 0;
  }

  /** Forgets what was read of a file that is going to be closed. */
  forget(file: PooledFile): void {
    if (this.#file === file) this.#file = undefined;
  }
}
