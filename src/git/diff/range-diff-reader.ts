import { binaryFromBytes } from "../ref/binary-string.ts";
import { DiffFormatError, DiffTooLargeError } from "./diff-error.ts";
import { PATCH_BYTES_MAX } from "./file-diff.ts";
import { LINE_BYTES_MAX } from "./patch-reader.ts";

/** In both ranges and the same, changed, only in the first range, or only in the second. */
export type PairComparison = "=" | "!" | "<" | ">";

/** What became of one commit between two versions of a range. */
export interface CommitPair {
  /** Dashes when there is none. */
  readonly fromCommit: string;
  readonly toCommit: string;
  readonly comparison: PairComparison;
  /** A binary string. */
  readonly title: string;
  /** The difference of both patches. */
  readonly patch: Buffer;
}

const PAIR = /^ *(?:-|\d+): +(-+|[a-f0-9]+) ([>=!<]) +(?:-|\d+): +(-+|[a-f0-9]+) ([^\n]*)$/;

const NEWLINE = 0x0a;
const NEWLINE_BYTES = Buffer.from("\n");

/** Each line of a patch is indented that much. */
const INDENT_BYTES = 4;

interface OpenPair {
  readonly pair: Omit<CommitPair, "patch">;
  readonly lines: Buffer[];
}

/** Reads what `git range-diff` prints. Throws DiffFormatError, DiffTooLargeError. */
export class RangeDiffReader {
  #rest: Buffer | undefined;
  #open: OpenPair | undefined;
  #bytes = 0;

  /** Takes what git printed next, and yields the pairs that are complete now. */
  *push(chunk: Buffer): Generator<CommitPair, void, undefined> {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let start = 0;
    for (;;) {
      const end = data.indexOf(NEWLINE, start);
      if (end < 0) break;
      yield* this.#readLine(data.subarray(start, end));
      start = end + 1;
    }
    if (start === data.length) return;
    if (data.length - start > LINE_BYTES_MAX) throw new DiffTooLargeError(LINE_BYTES_MAX);
    this.#rest = data.subarray(start);
  }

  /** Git has printed all. Yields the last pair. */
  *end(): Generator<CommitPair, void, undefined> {
    if (this.#rest !== undefined) yield* this.#readLine(this.#rest);
    yield* this.#close();
  }

  *#readLine(line: Buffer): Generator<CommitPair, void, undefined> {
    const pair = parsePair(line);
    if (pair !== undefined) {
      const isFirst = this.#open === undefined;
      yield* this.#close();
      this.#open = { pair, lines: [] };
      // Of such a pair no patch follows.
      if (isFirst && pair.comparison !== "!") yield* this.#close();
      return;
    }
    if (this.#open === undefined) {
      const text = line.toString();
      throw new DiffFormatError(`range-diff commit pair not found, current line: ${text}`);
    }
    if (line.length < INDENT_BYTES) {
      throw new DiffFormatError(`range-diff patch data too short, line size: ${line.length}`);
    }
    this.#bytes += line.length;
    if (this.#bytes > PATCH_BYTES_MAX) throw new DiffTooLargeError(PATCH_BYTES_MAX);
    this.#open.lines.push(line.subarray(INDENT_BYTES));
  }

  *#close(): Generator<CommitPair, void, undefined> {
    if (this.#open === undefined) return;
    const { pair, lines } = this.#open;
    this.#open = undefined;
    this.#bytes = 0;
    yield { ...pair, patch: joinLines(lines) };
  }
}

function parsePair(line: Buffer): Omit<CommitPair, "patch"> | undefined {
  const [, fromCommit, comparison, toCommit, title] = PAIR.exec(binaryFromBytes(line)) ?? [];
  if (fromCommit === undefined || toCommit === undefined || title === undefined) return undefined;
  if (!isComparison(comparison)) return undefined;
  return { fromCommit, toCommit, comparison, title };
}

function isComparison(text: string | undefined): text is PairComparison {
  return text === "=" || text === "!" || text === "<" || text === ">";
}

function joinLines(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line) => [line, NEWLINE_BYTES]));
}
