import { DiffTooHardError } from "./diff-too-hard-error.ts";
import type { LineMemory } from "./line-memory.ts";
import type { Lines } from "./lines.ts";

/** Looks at places in the table for one line, on average, before lines count as made to collide. */
const PROBES_PER_LINE_MAX = 64;

/** Lines up to this are compared without a call into native code. */
const SHORT_BYTES = 64;

/** Sketches of lines, see `sketchOf`. */
const SKETCHES = 8192;

type Text = Pick<Lines, "content" | "starts">;

/** Numbers lines in the order in which they are first seen, by a table with open addresses. */
export class LineClassifier {
  count = 0;
  readonly #mask: number;
  /** Class and one, 0 where a place is free. */
  readonly #places: Int32Array;
  readonly #hashes: Int32Array;
  /** For each class its first line. */
  readonly #contents: Buffer[] = [];
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  /** Which sketches lines have. Most lines that aren't there are found out by these alone. */
  readonly #sketches: Uint8Array;
  #probesLeft: number;

  /** @param linesMax lines that will be added */
  constructor(linesMax: number, memory: LineMemory) {
    let size = 16;
    while (size < linesMax * 2) size *= 2;
    this.#mask = size - 1;
    this.#sketches = memory.takeBytes(SKETCHES);
    this.#places = memory.takeNumbers(size);
    this.#hashes = memory.takeNumbers(linesMax);
    this.#starts = memory.takeNumbers(linesMax);
    this.#ends = memory.takeNumbers(linesMax);
    this.#probesLeft = (linesMax + 1024) * PROBES_PER_LINE_MAX;
  }

  /** The class of a line, which becomes known. Throws `DiffTooHardError`. */
  add({ content, starts }: Text, line: number): number {
    const start = starts[line] ?? 0;
    const end = starts[line + 1] ?? 0;
    const hash = hashOf(content, start, end);
    const place = this.#locate(hash, content, start, end);
    const found = (this.#places[place] ?? 0) - 1;
    if (found >= 0) return found;
    const added = this.count++;
    this.#places[place] = added + 1;
    this.#hashes[added] = hash;
    this.#contents.push(content);
    this.#starts[added] = start;
    this.#ends[added] = end;
    this.#sketches[sketchOf(content, start, end)] = 1;
    return added;
  }

  /** The class of a line, -1 when it isn't known. Throws `DiffTooHardError`. */
  find({ content, starts }: Text, line: number): number {
    const start = starts[line] ?? 0;
    const end = starts[line + 1] ?? 0;
    if (this.#sketches[sketchOf(content, start, end)] === 0) return -1;
    const place = this.#locate(hashOf(content, start, end), content, start, end);
    return (this.#places[place] ?? 0) - 1;
  }

  /** The place where a line is, or would be. */
  #locate(hash: number, content: Buffer, start: number, end: number): number {
    let place = (hash ^ (hash >>> 15)) & this.#mask;
    for (;;) {
      const found = (this.#places[place] ?? 0) - 1;
      if (found < 0) return place;
      if (this.#hashes[found] === hash && this.#isEqual(found, content, start, end)) return place;
      if (--this.#probesLeft < 0) throw new DiffTooHardError("large-difference");
      place = (place + 1) & this.#mask;
    }
  }

  #isEqual(known: number, content: Buffer, start: number, end: number): boolean {
    const knownStart = this.#starts[known] ?? 0;
    const knownEnd = this.#ends[known] ?? 0;
    if (knownEnd - knownStart !== end - start) return false;
    const knownContent = this.#contents[known];
    if (knownContent === undefined) return false;
    if (end - start > SHORT_BYTES) {
      return knownContent.compare(content, start, end, knownStart, knownEnd) === 0;
    }
    for (let i = knownStart, j = start; j < end; i++, j++) {
      if (knownContent[i] !== content[j]) return false;
    }
    return true;
  }
}

function hashOf(content: Buffer, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash, 0x01000193) ^ (content[i] ?? 0);
  return Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
}

/** A few bits of a line's length and of three of its bytes. */
function sketchOf(content: Buffer, start: number, end: number): number {
  const length = end - start;
  const middle = content[start + (length >> 1)] ?? 0;
  const last = content[Math.max(start, end - 3)] ?? 0;
  const other = content[start + (length >> 2) + (length >> 1)] ?? 0;
  return (Math.imul(length, 131) + middle * 31 + last * 7 + other) & (SKETCHES - 1);
}
