import { isTextAt } from "./byte-text.ts";

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** One header of a commit or tag: its key, and its value without the folding. */
export interface HeaderLine {
  readonly key: string;
  /**
   * Bytes after the key. A value of several lines has them joined by newlines, without the blank
   * that marks a continuation, and ends with a newline if the last line did so in the object.
   */
  readonly value: Buffer;
}

/** Where the message of a commit or tag begins: after the first empty line, or at the end. */
export function messageOffset(content: Buffer): number {
  if (content[0] === NEWLINE) return 1;
  const blank = content.indexOf("\n\n", 0, "latin1");
  return blank < 0 ? content.length : blank + 2;
}

/**
 * Value of the first header line that is called `key`, without its newline; continuation lines
 * aren't part of it. `undefined` when there is none before the message.
 */
export function findHeader(content: Buffer, key: string): Buffer | undefined {
  let line = 0;
  while (line < content.length) {
    const newline = content.indexOf(NEWLINE, line);
    const end = newline < 0 ? content.length : newline;
    if (end === line) return undefined;
    const value = line + key.length + 1;
    if (value <= end && content[value - 1] === SPACE && isTextAt(content, line, key)) {
      return content.subarray(value, end);
    }
    line = end + 1;
  }
  return undefined;
}

/** Walks over the header lines of a commit or tag up to the message. */
export function* headerLines(content: Buffer): IterableIterator<HeaderLine> {
  const end = messageOffset(content);
  let line = 0;
  while (line < end && content[line] !== NEWLINE) {
    let next = lineEnd(content, line, end);
    const space = content.indexOf(SPACE, line);
    const keyEnd = space < 0 || space >= next ? valueEnd(content, next) : space;
    const pieces = [content.subarray(Math.min(keyEnd + 1, next), next)];
    while (next < end && content[next] === SPACE) {
      const start = next + 1;
      next = lineEnd(content, start, end);
      pieces.push(content.subarray(start, next));
    }
    const key = content.toString("latin1", line, keyEnd);
    yield { key, value: joinPieces(pieces) };
    line = next;
  }
}

function joinPieces(pieces: readonly Buffer[]): Buffer {
  const [first] = pieces;
  if (first === undefined || pieces.length > 1) return Buffer.concat(pieces);
  return first.subarray(0, valueEnd(first, first.length));
}

/** The end without the newline that stands right before it. */
function valueEnd(content: Buffer, end: number): number {
  return end > 0 && content[end - 1] === NEWLINE ? end - 1 : end;
}

/** Offset after the newline that ends the line at `start`, at most `limit`. */
function lineEnd(content: Buffer, start: number, limit: number): number {
  const newline = content.indexOf(NEWLINE, start);
  return newline < 0 || newline >= limit ? limit : newline + 1;
}
