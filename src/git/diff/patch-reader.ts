import { DiffFormatError, DiffTooLargeError } from "./diff-error.ts";
import type { FileDiff } from "./file-diff.ts";
import { unescapePath } from "./quoted-path.ts";
import type { DiffEntries } from "./raw-entries.ts";

/** What becomes of the patches that are read. */
export interface PatchPolicy {
  /** Whether patches are counted only, not kept. */
  readonly isCountingOnly: boolean;
  /** A file's turn has come. */
  begin(diff: FileDiff): void;
  /** A file's patch has been read. Returns false when no further file is wanted. */
  finish(diff: FileDiff): boolean;
}

/** A line that has to be seen as a whole may have this many bytes; two quoted paths stand in it. */
export const LINE_BYTES_MAX: number = 4 * 1024 * 1024;

/** So many bytes tell what kind of line it is: `diff --git` has that many. */
const LOOKAHEAD_BYTES = 10;

const NEWLINE = 0x0a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const AT = 0x40;
const DIFF_HEADER = Buffer.from("diff --git");
const BINARY = Buffer.from("Binary");
const HEADER = /^diff --git "?a\/([^\n]*?)"? "?b\/([^\n]*?)"?$/;

type State = "header" | "patch" | "done";

/** What is done with a line, which may come in several chunks. */
type LineUse = "none" | "drop" | "keep" | "count";

/**
 * Reads patches as `git diff` prints them and joins them with the files that they belong to. A file
 * may have no patch at all, as when only its mode has changed; files come in the same order.
 *
 * Chunks are pushed, whatever their borders; files come out as soon as they are complete. Memory
 * holds no more than one patch, see `FileDiff`. Throws DiffFormatError, DiffTooLargeError.
 */
export class PatchReader {
  readonly #entries: DiffEntries;
  readonly #policy: PatchPolicy;
  #state: State = "header";
  #current: FileDiff | undefined;
  #rest: Buffer | undefined;
  #line: LineUse = "none";
  /** Whether the current line counts towards limits; headers of hunks don't. */
  #isCounted = true;

  constructor(entries: DiffEntries, policy: PatchPolicy) {
    this.#entries = entries;
    this.#policy = policy;
  }

  /** Nothing of what comes is wanted any more. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  /** Takes what git printed next, and yields the files that are complete now. */
  *push(chunk: Buffer): Generator<FileDiff, void, undefined> {
    yield* this.#read(this.#joined(chunk), false);
  }

  /** Git has printed all. Yields the remaining files. */
  *end(): Generator<FileDiff, void, undefined> {
    if (this.#rest !== undefined) yield* this.#read(this.#joined(Buffer.alloc(0)), true);
    yield* this.#finishCurrent();
    if (this.#state !== "done") yield* this.#withoutPatch(undefined);
  }

  #joined(chunk: Buffer): Buffer {
    const rest = this.#rest;
    this.#rest = undefined;
    return rest === undefined ? chunk : Buffer.concat([rest, chunk]);
  }

  *#read(data: Buffer, isLast: boolean): Generator<FileDiff, void, undefined> {
    let position = 0;
    while (position < data.length && this.#state !== "done") {
      if (this.#state === "patch") {
        position = this.#readPatch(data, position, isLast);
        if (position >= data.length || this.#rest !== undefined) return;
        yield* this.#finishCurrent();
        continue;
      }
      const end = data.indexOf(NEWLINE, position);
      if (end < 0) {
        this.#keepRest(data, position, isLast);
        return;
      }
      yield* this.#readHeader(data.toString("latin1", position, end));
      position = end + 1;
    }
  }

  /** A line without its end at the end of all is no line. */
  #keepRest(data: Buffer, position: number, isLast: boolean): void {
    if (isLast) return;
    if (data.length - position > LINE_BYTES_MAX) throw new DiffTooLargeError(LINE_BYTES_MAX);
    this.#rest = data.subarray(position);
  }

  *#readHeader(line: string): Generator<FileDiff, void, undefined> {
    const diff = this.#next();
    if (diff === undefined) {
      this.#state = "done";
      return;
    }
    const match = HEADER.exec(line);
    if (match === null) throw new DiffFormatError("diff header regexp mismatch");
    const path = unescapePath(match[1] ?? "");
    this.#current = diff;
    yield* this.#withoutPatch(path);
    this.#state = this.#current === undefined ? "done" : "patch";
  }

  /** Yields files up to the one at `path`, which becomes the current one; all when there is none. */
  *#withoutPatch(path: string | undefined): Generator<FileDiff, void, undefined> {
    let diff = this.#current ?? this.#next();
    this.#current = undefined;
    while (diff !== undefined) {
      if (path !== undefined && diff.change.fromPath === path) {
        this.#current = diff;
        return;
      }
      yield diff;
      diff = this.#next();
    }
  }

  #next(): FileDiff | undefined {
    const diff = this.#entries.next();
    if (diff !== undefined) this.#policy.begin(diff);
    return diff;
  }

  *#finishCurrent(): Generator<FileDiff, void, undefined> {
    const diff = this.#current;
    if (diff === undefined) return;
    this.#current = undefined;
    this.#line = "none";
    this.#state = this.#policy.finish(diff) ? "header" : "done";
    yield diff;
  }

  /** Reads lines of the current patch; returns where it ends, or the data do. */
  #readPatch(data: Buffer, start: number, isLast: boolean): number {
    const diff = this.#current;
    if (diff === undefined) return start;
    let position = start;
    let keptFrom = position;
    while (position < data.length && this.#enterLine(diff, data, position, isLast)) {
      const newline = data.indexOf(NEWLINE, position);
      const end = newline < 0 ? data.length : newline + 1;
      const isKept = this.#line === "keep";
      if (!isKept) keep(diff, data, keptFrom, position);
      this.#countLine(diff, end - position);
      position = end;
      if (!isKept) keptFrom = end;
      if (newline >= 0) this.#line = "none";
    }
    keep(diff, data, keptFrom, position);
    return position;
  }

  /** Decides what to do with the line at `position`; false where it isn't one of this patch, or yet. */
  #enterLine(diff: FileDiff, data: Buffer, position: number, isLast: boolean): boolean {
    if (this.#line !== "none") return true;
    if (!isLast && data.length - position < LOOKAHEAD_BYTES) {
      this.#rest = data.subarray(position);
      return false;
    }
    if (startsWith(data, position, DIFF_HEADER)) return false;
    this.#line = this.#beginLine(diff, data, position);
    return true;
  }

  #beginLine(diff: FileDiff, data: Buffer, position: number): LineUse {
    const first = data[position];
    this.#isCounted = first !== AT;
    if (first === AT) return data[position + 1] === AT ? this.#keepOrCount() : "drop";
    if (first === PLUS || first === MINUS) {
      // The names of both files stand before the first hunk.
      const isName = data[position + 1] === first && data[position + 2] === first;
      if (isName && diff.patchBytes === 0) return "drop";
      if (first === PLUS) diff.linesAdded++;
      else diff.linesRemoved++;
    } else if (startsWith(data, position, BINARY)) {
      diff.binary = true;
    } else if (!isUnchanged(data, position)) {
      return "drop";
    }
    diff.lineCount++;
    return this.#keepOrCount();
  }

  #keepOrCount(): LineUse {
    return this.#policy.isCountingOnly ? "count" : "keep";
  }

  #countLine(diff: FileDiff, bytes: number): void {
    if (this.#line === "keep") diff.patchBytes += bytes;
    if (this.#line !== "drop" && this.#isCounted) diff.byteCount += bytes;
  }
}

function keep(diff: FileDiff, data: Buffer, start: number, end: number): void {
  if (end > start) diff.keep(data.subarray(start, end));
}

/** A line of both sides, "no newline at end of file", or the end of a line of compared words. */
function isUnchanged(data: Buffer, position: number): boolean {
  const first = data[position];
  return first === 0x20 || first === 0x5c || (first === 0x7e && data[position + 1] === NEWLINE);
}

function startsWith(data: Buffer, position: number, prefix: Buffer): boolean {
  if (data[position] !== prefix[0]) return false;
  return data.subarray(position, position + prefix.length).equals(prefix);
}
