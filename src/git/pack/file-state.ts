import { statSync } from "node:fs";

/**
 * Tells whether a file or folder may have changed since it was read.
 *
 * File systems stamp changes in steps of some milliseconds. One that was changed just before it
 * was read may change again without a new stamp, so it counts as changed until some time has
 * passed.
 */
export class FileState {
  readonly #path: string;
  #stamp = "";
  #isSettled = false;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * `true` unless the file is sure to be as it was when this was last called. The caller has to
   * read the file after it.
   */
  hasChanged(): boolean {
    const stats = statSync(this.#path, STAT_OPTIONS);
    const stamp = stampOf(stats);
    if (this.#isSettled && stamp === this.#stamp) return false;
    this.#stamp = stamp;
    this.#isSettled = stats === undefined || isSettled(stats.mtimeNs);
    return true;
  }

  /** What identifies the state of a file; empty when there is none. */
  static stamp(path: string): string {
    return stampOf(statSync(path, STAT_OPTIONS));
  }
}

const STAT_OPTIONS = { bigint: true, throwIfNoEntry: false } as const;

/** More than the steps in which a kernel counts time, and in which coarse file systems store it. */
const SETTLED_AFTER_MS = 100;
const COARSE_SETTLED_AFTER_MS = 2500;

function isSettled(mtimeNs: bigint): boolean {
  const waitMs = mtimeNs % 1_000_000_000n === 0n ? COARSE_SETTLED_AFTER_MS : SETTLED_AFTER_MS;
  return Date.now() - Number(mtimeNs / 1_000_000n) > waitMs;
}

function stampOf(
  stats:
    | {
        readonly dev: bigint;
        readonly ino: bigint;
        readonly size: bigint;
        readonly mtimeNs: bigint;
      }
    | undefined,
): string {
  return stats === undefined ? "" : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}
