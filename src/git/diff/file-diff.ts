import { DiffTooLargeError } from "./diff-error.ts";

/** The longest patch of one file. Git compares no blobs of more than 50 MiB, so none comes close. */
export const PATCH_BYTES_MAX: number = 512 * 1024 * 1024;

/** What the raw format of git-diff tells of one file. Paths are binary strings. */
export interface RawChange {
  readonly oldMode: number;
  readonly newMode: number;
  readonly fromId: string;
  readonly toId: string;
  readonly fromPath: string;
  readonly toPath: string;
}

const NOTHING: RawChange = {
  oldMode: 0,
  newMode: 0,
  fromId: "",
  toId: "",
  fromPath: "",
  toPath: "",
};

/** How one file differs. It grows while its patch is read, and limits may take the patch away. */
export class FileDiff {
  change: RawChange;
  binary = false;
  /** The patch was taken away since the ones before it were many enough. */
  collapsed = false;
  /** The patch was taken away for its own size. */
  tooLarge = false;
  /** Limits for all files together have been reached here. */
  overflowMarker = false;
  linesAdded = 0;
  linesRemoved = 0;
  /** Bytes that the patch had before a limit took it away. */
  patchSize = 0;
  /** Lines and bytes that count towards limits: those of the hunks, without the hunks' headers. */
  lineCount = 0;
  byteCount = 0;
  /** Bytes of the patch so far, kept or not. */
  patchBytes = 0;
  #pieces: Buffer[] = [];
  #bytesMax = 0;
  #isWhole = true;

  constructor(change: RawChange) {
    this.change = change;
  }

  /** Up to this many bytes of the patch are going to be wanted. */
  keepUpTo(bytes: number): void {
    this.#bytesMax = Math.min(bytes, PATCH_BYTES_MAX);
  }

  /** Keeps a piece of the patch, which is already counted in `patchBytes`. */
  keep(piece: Buffer): void {
    if (!this.#isWhole) return;
    if (this.patchBytes <= this.#bytesMax) this.#pieces.push(piece);
    else {
      this.#isWhole = false;
      this.#pieces = [];
    }
  }

  /** The patch from its first hunk on; throws a DiffTooLargeError when it couldn't be kept. */
  takePatch(): Buffer {
    if (!this.#isWhole) throw new DiffTooLargeError(this.#bytesMax);
    const pieces = this.#pieces;
    this.#pieces = [];
    const [only] = pieces;
    return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
  }

  clearPatch(): void {
    this.#pieces = [];
    this.#isWhole = true;
  }

  /** Leaves nothing but the fact that there is a file. */
  clear(): void {
    this.change = NOTHING;
    this.binary = false;
    this.collapsed = false;
    this.tooLarge = false;
    this.linesAdded = 0;
    this.linesRemoved = 0;
    this.patchSize = 0;
    this.clearPatch();
  }
}
