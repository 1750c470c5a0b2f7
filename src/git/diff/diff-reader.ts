import type { ObjectFormat } from "../oid/oid.ts";
import { DiffTooLargeError } from "./diff-error.ts";
import { type DiffLimits, LimitedPatches } from "./diff-limits.ts";
import type { FileDiff } from "./file-diff.ts";
import { PatchReader } from "./patch-reader.ts";
import { RawEntries } from "./raw-entries.ts";

/** The raw lines of one difference may have this many bytes: those of two million files. */
const RAW_BYTES_MAX = 256 * 1024 * 1024;

const COLON = 0x3a;
const NEWLINE = 0x0a;

/**
 * Reads what `git diff --raw` or `git diff --raw --patch` prints with full object ids.
 *
 * The raw lines come first; they are kept until the patches that belong to them have been read.
 * Chunks are pushed, whatever their borders. Throws DiffFormatError, DiffTooLargeError.
 */
export class DiffReader {
  readonly #format: ObjectFormat;
  readonly #limits: DiffLimits;
  #raw: Buffer[] = [];
  #rawBytes = 0;
  #isLineStart = true;
  #patches: PatchReader | undefined;
  #isSkippingLine = false;

  constructor(format: ObjectFormat, limits: DiffLimits = {}) {
    this.#format = format;
    this.#limits = limits;
  }

  /** Nothing of what comes is wanted any more. */
  get isDone(): boolean {
    return this.#patches?.isDone === true;
  }

  /** Takes what git printed next, and yields the files that are complete now. */
  *push(chunk: Buffer): Generator<FileDiff, void, undefined> {
    const patches = this.#patches;
    if (patches === undefined) yield* this.#readRaw(chunk);
    else yield* patches.push(chunk);
  }

  /** Git has printed all. Yields the remaining files. */
  *end(): Generator<FileDiff, void, undefined> {
    yield* (this.#patches ?? this.#endRaw()).end();
  }

  *#readRaw(chunk: Buffer): Generator<FileDiff, void, undefined> {
    let position = 0;
    while (position < chunk.length) {
      // The line after the raw ones is empty, and of no interest whatever it is.
      if (this.#isLineStart && chunk[position] !== COLON) this.#isSkippingLine = true;
      const newline = chunk.indexOf(NEWLINE, position);
      this.#isLineStart = newline >= 0;
      const end = newline < 0 ? chunk.length : newline + 1;
      if (!this.#isSkippingLine) position = end;
      else if (newline < 0) break;
      else {
        this.#keepRaw(chunk.subarray(0, position));
        yield* this.#endRaw().push(chunk.subarray(end));
        return;
      }
    }
    this.#keepRaw(chunk.subarray(0, position));
  }

  #keepRaw(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#rawBytes += piece.length;
    if (this.#rawBytes > RAW_BYTES_MAX) throw new DiffTooLargeError(RAW_BYTES_MAX);
    this.#raw.push(piece);
  }

  /** A line without its end at the end of all is no line. */
  #endRaw(): PatchReader {
    const raw = Buffer.concat(this.#raw);
    this.#raw = [];
    const lines = raw.subarray(0, raw.lastIndexOf(NEWLINE) + 1);
    this.#patches = new PatchReader(
      new RawEntries(lines, this.#format),
      new LimitedPatches(this.#limits),
    );
    return this.#patches;
  }
}
