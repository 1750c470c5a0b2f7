import { findCommonEnds } from "./common-ends.ts";
import { DiffTooHardError } from "./diff-too-hard-error.ts";
import { LineClassifier } from "./line-classifier.ts";
import type { LineMemory } from "./line-memory.ts";
import type { Lines } from "./lines.ts";

/** A text with more lines isn't compared here. */
export const LINES_MAX: number = 50_000;

/** A text with more bytes isn't compared here. */
export const TEXT_BYTES_MAX: number = 2 * 1024 * 1024;

/** Bytes of a line at a guess. */
const LINE_BYTES = 24;

const NEWLINE = 0x0a;

/** Two texts whose equal lines are known. */
export interface LineTable {
  readonly before: Lines;
  readonly after: Lines;
  /** Lines with which both texts begin alike. */
  readonly commonStart: number;
  /** Lines with which both texts end alike. */
  readonly commonEnd: number;
  /** How often each class stands in `before`. */
  readonly countsBefore: Int32Array;
  /** How often each class stands in `after`. */
  readonly countsAfter: Int32Array;
}

/** Cuts two texts into lines and finds equal ones. Throws `DiffTooHardError`. */
export function createLineTable(before: Buffer, after: Buffer, memory: LineMemory): LineTable {
  const ends = findCommonEnds(before, after);
  const startsBefore = new LineStarts(before, memory);
  const commonStart = startsBefore.scan(0, ends.start);
  const middleBefore = startsBefore.scan(ends.start, before.length - ends.end);
  const commonEnd = startsBefore.scan(before.length - ends.end, before.length);
  const startsAfter = new LineStarts(after, memory);
  startsAfter.take(startsBefore, 0, commonStart, 0);
  const middleAfter = startsAfter.scan(ends.start, after.length - ends.end);
  const shift = after.length - before.length;
  startsAfter.take(startsBefore, commonStart + middleBefore, commonEnd, shift);
  const table = {
    before: startsBefore.finish(),
    after: startsAfter.finish(),
    ...{ commonStart, commonEnd, middleBefore, middleAfter },
  };
  return { ...table, ...classify(table, memory) };
}

interface Unclassified {
  readonly before: Lines;
  readonly after: Lines;
  readonly commonStart: number;
  readonly commonEnd: number;
  readonly middleBefore: number;
  readonly middleAfter: number;
}

/** Fills in the classes: first those of the lines in the middle, then equal ones at the ends. */
function classify(
  table: Unclassified,
  memory: LineMemory,
): Pick<LineTable, "countsBefore" | "countsAfter"> {
  const { before, after, commonStart, commonEnd, middleBefore, middleAfter } = table;
  const classifier = new LineClassifier(middleBefore + middleAfter, memory);
  const behindBefore = commonStart + middleBefore;
  const behindAfter = commonStart + middleAfter;
  for (let i = commonStart; i < behindBefore; i++) before.classes[i] = classifier.add(before, i);
  for (let i = commonStart; i < behindAfter; i++) after.classes[i] = classifier.add(after, i);
  for (let i = 0; i < commonStart; i++) before.classes[i] = classifier.find(before, i);
  for (let i = behindBefore; i < before.count; i++) before.classes[i] = classifier.find(before, i);
  after.classes.set(before.classes.subarray(0, commonStart));
  after.classes.set(before.classes.subarray(before.count - commonEnd), behindAfter);
  return {
    countsBefore: countClasses(before.classes, memory.takeNumbers(classifier.count)),
    countsAfter: countClasses(after.classes, memory.takeNumbers(classifier.count)),
  };
}

function countClasses(classes: Int32Array, counts: Int32Array): Int32Array {
  for (let i = 0; i < classes.length; i++) {
    const line = classes[i] ?? -1;
    if (line >= 0) counts[line] = (counts[line] ?? 0) + 1;
  }
  return counts;
}

/** Collects where lines begin. */
class LineStarts {
  readonly #content: Buffer;
  readonly #memory: LineMemory;
  #starts: Int32Array;
  #count = 0;

  constructor(content: Buffer, memory: LineMemory) {
    const { length } = content;
    if (length > TEXT_BYTES_MAX) throw new DiffTooHardError("large-file");
    this.#content = content;
    this.#memory = memory;
    this.#starts = memory.takeNumbers(Math.ceil(length / LINE_BYTES) + 8);
  }

  /** Adds the lines of a range that begins and ends with lines; returns how many they are. */
  scan(start: number, end: number): number {
    const content = this.#content;
    const countBefore = this.#count;
    let starts = this.#starts;
    let count = countBefore;
    for (let at = start; at < end; ) {
      if (count === starts.length) starts = this.#grow(count);
      starts[count++] = at;
      while (at < end && content[at] !== NEWLINE) at++;
      at++;
    }
    this.#count = count;
    return count - countBefore;
  }

  /** Adds lines of another text, which stand `shift` bytes further here. */
  take(other: LineStarts, first: number, count: number, shift: number): void {
    while (this.#count + count > this.#starts.length) this.#grow(this.#count);
    const starts = this.#starts;
    for (let i = 0; i < count; i++) {
      starts[this.#count + i] = (other.#starts[first + i] ?? 0) + shift;
    }
    this.#count += count;
  }

  finish(): Lines {
    const count = this.#count;
    if (count > LINES_MAX) throw new DiffTooHardError("large-file");
    const starts = count === this.#starts.length ? this.#grow(count) : this.#starts;
    starts[count] = this.#content.length;
    const classes = this.#memory.takeNumbers(count);
    return { content: this.#content, count, starts: starts.subarray(0, count + 1), classes };
  }

  #grow(count: number): Int32Array {
    if (count > LINES_MAX) throw new DiffTooHardError("large-file");
    const grown = this.#memory.takeNumbers(this.#starts.length * 2);
    grown.set(this.#starts.subarray(0, count));
    this.#starts = grown;
    return grown;
  }
}
