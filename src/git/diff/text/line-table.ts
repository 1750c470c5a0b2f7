import { DiffTooHardError } from "./diff-too-hard-error.ts";

/** A text with more lines isn't compared here. */
export const LINES_MAX: number = 20_000;

/** A text with more bytes isn't compared here. */
export const TEXT_BYTES_MAX: number = 1024 * 1024;

const NEWLINE = 0x0a;

/** Looks at places in the table for one line, on average, before the lines count as made to collide. */
const PROBES_PER_LINE_MAX = 64;

/** A text cut into lines. A line includes its newline; the last one may have none. */
export interface Lines {
  readonly content: Buffer;
  readonly count: number;
  /** Where each line begins, and the end of the content as one more entry. */
  readonly starts: Int32Array;
  /** For each line a number that equal lines of both texts share. */
  readonly classes: Int32Array;
}

/** Two texts whose equal lines are known. */
export interface LineTable {
  readonly before: Lines;
  readonly after: Lines;
  /** How often each class stands in `before`. */
  readonly countsBefore: Int32Array;
  /** How often each class stands in `after`. */
  readonly countsAfter: Int32Array;
}

/** Cuts two texts into lines and finds equal ones. Throws `DiffTooHardError`. */
export function createLineTable(before: Buffer, after: Buffer): LineTable {
  const startsBefore = findStarts(before);
  const startsAfter = findStarts(after);
  const total = startsBefore.length + startsAfter.length - 2;
  const classifier = new LineClassifier(total);
  const classesBefore = classifier.classify(before, startsBefore);
  const classesAfter = classifier.classify(after, startsAfter);
  return {
    before: toLines(before, startsBefore, classesBefore),
    after: toLines(after, startsAfter, classesAfter),
    countsBefore: countClasses(classesBefore, classifier.count),
    countsAfter: countClasses(classesAfter, classifier.count),
  };
}

function toLines(content: Buffer, starts: Int32Array, classes: Int32Array): Lines {
  return { content, starts, classes, count: classes.length };
}

function findStarts(content: Buffer): Int32Array {
  const starts: number[] = [];
  const { length } = content;
  if (length > TEXT_BYTES_MAX) throw new DiffTooHardError("large-file");
  for (let start = 0; start < length; ) {
    starts.push(start);
    if (starts.length > LINES_MAX) throw new DiffTooHardError("large-file");
    const newline = content.indexOf(NEWLINE, start);
    start = newline < 0 ? length : newline + 1;
  }
  starts.push(length);
  return Int32Array.from(starts);
}

function countClasses(classes: Int32Array, count: number): Int32Array {
  const counts = new Int32Array(count);
  for (let i = 0; i < classes.length; i++) {
    const line = classes[i] ?? 0;
    counts[line] = (counts[line] ?? 0) + 1;
  }
  return counts;
}

/** Numbers lines in the order in which they are first seen, by a table with open addresses. */
class LineClassifier {
  count = 0;
  readonly #mask: number;
  /** Class and one, 0 where a place is free. */
  readonly #places: Int32Array;
  readonly #hashes: Int32Array;
  /** For each class, the text and the place of its first line. */
  readonly #contents: Buffer[] = [];
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #probesLeft: number;

  constructor(linesMax: number) {
    let size = 16;
    while (size < linesMax * 2) size *= 2;
    this.#mask = size - 1;
    this.#places = new Int32Array(size);
    this.#hashes = new Int32Array(linesMax);
    this.#starts = new Int32Array(linesMax);
    this.#ends = new Int32Array(linesMax);
    this.#probesLeft = (linesMax + 16) * PROBES_PER_LINE_MAX;
  }

  classify(content: Buffer, starts: Int32Array): Int32Array {
    const classes = new Int32Array(starts.length - 1);
    for (let i = 0; i < classes.length; i++) {
      classes[i] = this.#classOf(content, starts[i] ?? 0, starts[i + 1] ?? 0);
    }
    return classes;
  }

  #classOf(content: Buffer, start: number, end: number): number {
    const hash = hashOf(content, start, end);
    let place = (hash ^ (hash >>> 15)) & this.#mask;
    for (;;) {
      const found = (this.#places[place] ?? 0) - 1;
      if (found < 0) break;
      if (this.#hashes[found] === hash && this.#isEqual(found, content, start, end)) return found;
      if (--this.#probesLeft < 0) throw new DiffTooHardError("large-difference");
      place = (place + 1) & this.#mask;
    }
    const added = this.count++;
    this.#places[place] = added + 1;
    this.#hashes[added] = hash;
    this.#contents.push(content);
    this.#starts[added] = start;
    this.#ends[added] = end;
    return added;
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

/** Lines up to this are compared without a call into native code. */
const SHORT_BYTES = 64;

function hashOf(content: Buffer, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash, 0x01000193) ^ (content[i] ?? 0);
  return Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
}
