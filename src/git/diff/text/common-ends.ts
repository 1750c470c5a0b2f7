import { BLOCK_BYTES, commonLength, isSameBlock } from "../../object/common-length.ts";

const NEWLINE = 0x0a;

/** Whole lines with which two texts begin and end alike, in bytes. They don't overlap. */
export interface CommonEnds {
  readonly start: number;
  readonly end: number;
}

/** Finds the lines at both ends that two texts have in common. */
export function findCommonEnds(a: Buffer, b: Buffer): CommonEnds {
  const limit = Math.min(a.length, b.length);
  const alike = commonLength(a, 0, b, 0);
  // What is alike may end within a line of either text.
  const start = alike === a.length && alike === b.length ? alike : lineStart(a, alike);
  const alikeAtEnd = commonEnd(a, b, limit - start);
  return { start, end: wholeLines(a, b, alikeAtEnd) };
}

function commonEnd(a: Buffer, b: Buffer, limit: number): number {
  let count = 0;
  while (count + BLOCK_BYTES <= limit) {
    const next = count + BLOCK_BYTES;
    if (!isSameBlock(a, a.length - next, b, b.length - next)) break;
    count = next;
  }
  while (count < limit && a[a.length - 1 - count] === b[b.length - 1 - count]) count++;
  return count;
}

/** Where the line begins that the byte at `position` would belong to. */
function lineStart(content: Buffer, position: number): number {
  return position === 0 ? 0 : content.lastIndexOf(NEWLINE, position - 1) + 1;
}

/** How many of the bytes at the end, which are alike, are whole lines of both texts. */
function wholeLines(a: Buffer, b: Buffer, count: number): number {
  if (isLineStart(a, a.length - count) && isLineStart(b, b.length - count)) return count;
  const newline = a.indexOf(NEWLINE, a.length - count);
  return newline < 0 ? 0 : a.length - newline - 1;
}

function isLineStart(content: Buffer, position: number): boolean {
  return position === 0 || content[position - 1] === NEWLINE;
}
