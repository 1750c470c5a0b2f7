import { type Stats, statSync } from "node:fs";

/**
 * Tells whether a file or folder may have changed since it was read.
 *
 * File systems stamp changes in steps of some milliseconds. One that was changed just before it
 * was read may change again without a new stamp, so it counts as changed until some time has
 * passed.
 */
export class FileState {
  readonly #path: string;
  #stats: Stats | undefined;
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
    if (this.#isSettled && isSame(stats, this.#stats)) return false;
    this.#stats = stats;
    this.#isSettled = stats === undefined || isSettled(stats.mtimeMs);
    return true;
  }

  /** What identifies the state of a file; empty when there is none. */
  static stamp(path: string): string {
    const stats = statSync(path, STAT_OPTIONS);
    if (stats === undefined) return "";
    return `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs}`;
  }
}

const STAT_OPTIONS = { throwIfNoEntry: false } as const;

/** More than the steps in which a kernel counts time, and in which coarse file systems store it. */
const SETTLED_AFTER_MS = 100;
const COARSE_SETTLED_AFTER_MS = 2500;

function isSettled(mtimeMs: number): boolean {
  const waitMs = mtimeMs % 1000 === 0 ? COARSE_SETTLED_AFTER_MS : SETTLED_AFTER_MS;
  return Date.now() - mtimeMs > waitMs;
}

/** Times as numbers are exact to a quarter of a microsecond, and settled ones differ by more. */
function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.mtimeMs === other.mtimeMs &&
    one.size === other.size &&
    one.ino === other.ino &&
    one.dev === other.dev
  );
}
