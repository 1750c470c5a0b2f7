import type { ByteWriter } from "./byte-writer.ts";
import type { FindFunction } from "./function-line.ts";
import type { Lines } from "./lines.ts";
import type { TextChange, TextChanges } from "./text-changes.ts";
import { endOfUtf8 } from "./text-prefix.ts";

/** Unchanged lines that are shown around changes. */
const CONTEXT_LINES = 3;

const SPACE = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;
const NEWLINE = 0x0a;
const NO_NEWLINE = "\n\\ No newline at end of file\n";

/** Changes that are shown together, and the lines that are shown of both texts. */
interface Hunk {
  readonly changes: readonly TextChange[];
  readonly start1: number;
  readonly end1: number;
  readonly start2: number;
  readonly end2: number;
}

/** Writes changes as hunks of a unified difference, as `git diff` does by default. */
export function writeHunks(
  writer: ByteWriter,
  { before, after, changes }: TextChanges,
  findFunction: FindFunction,
): void {
  const headings = new Headings(before, findFunction);
  for (const hunk of hunksOf(changes, before.count, after.count)) {
    const { start1, end1, start2, end2 } = hunk;
    const range1 = rangeText(start1, end1 - start1);
    const range2 = rangeText(start2, end2 - start2);
    writer.writeBinary(`@@ -${range1} +${range2} @@`);
    headings.write(writer, start1);
    writer.writeByte(NEWLINE);
    writeLines(writer, hunk, before, after);
  }
}

function* hunksOf(
  changes: readonly TextChange[],
  count1: number,
  count2: number,
): Generator<Hunk, void, undefined> {
  for (let index = 0; index < changes.length; ) {
    const first = changes[index];
    let last = first;
    if (first === undefined || last === undefined) return;
    let next = index + 1;
    for (; next < changes.length; next++) {
      const change = changes[next];
      if (change === undefined || change.start1 - last.end1 > 2 * CONTEXT_LINES) break;
      last = change;
    }
    const below = Math.min(CONTEXT_LINES, count1 - last.end1, count2 - last.end2);
    yield {
      changes: changes.slice(index, next),
      start1: Math.max(first.start1 - CONTEXT_LINES, 0),
      start2: Math.max(first.start2 - CONTEXT_LINES, 0),
      end1: last.end1 + below,
      end2: last.end2 + below,
    };
    index = next;
  }
}

/** A range without lines is named by the line above it. */
function rangeText(start: number, count: number): string {
  if (count === 1) return String(start + 1);
  return count === 0 ? `${start},0` : `${start + 1},${count}`;
}

function writeLines(writer: ByteWriter, hunk: Hunk, before: Lines, after: Lines): void {
  let line2 = hunk.start2;
  for (const { start1, end1, start2, end2 } of hunk.changes) {
    for (; line2 < start2; line2++) writeLine(writer, after, line2, SPACE);
    for (let line1 = start1; line1 < end1; line1++) writeLine(writer, before, line1, MINUS);
    for (; line2 < end2; line2++) writeLine(writer, after, line2, PLUS);
  }
  for (; line2 < hunk.end2; line2++) writeLine(writer, after, line2, SPACE);
}

function writeLine(
  writer: ByteWriter,
  { content, starts }: Lines,
  line: number,
  sign: number,
): void {
  const end = starts[line + 1] ?? 0;
  writer.writeByte(sign);
  writer.writeRange(content, starts[line] ?? 0, end);
  if (content[end - 1] !== NEWLINE) writer.writeBinary(NO_NEWLINE);
}

/** The functions in which hunks begin. One is repeated until another one is found. */
class Headings {
  readonly #lines: Lines;
  readonly #findFunction: FindFunction;
  #searched = -1;
  #found: readonly [start: number, end: number] | undefined;

  constructor(lines: Lines, findFunction: FindFunction) {
    this.#lines = lines;
    this.#findFunction = findFunction;
  }

  /** Writes the heading of a hunk that begins with `line`, with a space before it. */
  write(writer: ByteWriter, line: number): void {
    const { content, starts } = this.#lines;
    for (let i = line - 1; i >= 0 && i !== this.#searched; i--) {
      const found = this.#findFunction(content, starts[i] ?? 0, starts[i + 1] ?? 0);
      if (found === undefined) continue;
      this.#found = found;
      break;
    }
    this.#searched = line - 1;
    if (this.#found === undefined || this.#found[0] === this.#found[1]) return;
    writer.writeByte(SPACE);
    const [start, end] = this.#found;
    // Git cuts it where it isn't UTF-8, such as in the middle of a character.
    writer.writeRange(content, start, endOfUtf8(content, start, end));
  }
}
