import { isSpace } from "./split-score.ts";

/** Bytes of a line that a hunk's header has room for. */
export const FUNCTION_BYTES_MAX = 80;

/**
 * Tells what a hunk's header shows of a line, as a range of the content; `undefined` when the line
 * begins no function. The range given includes the newline.
 */
export type FindFunction = (
  content: Buffer,
  start: number,
  end: number,
) => readonly [start: number, end: number] | undefined;

/** Git's rule without a language: lines that begin with a letter, "_" or "$". */
export const findAnyFunction: FindFunction = (content, start, end) => {
  if (start >= end || !isNameStart(content[start] ?? 0)) return undefined;
  return [start, trimEnd(content, start, Math.min(end, start + FUNCTION_BYTES_MAX))];
};

function isNameStart(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || byte === 0x5f || byte === 0x24;
}

/** Leaves white space at the end out. */
export function trimEnd(content: Buffer, start: number, end: number): number {
  let trimmed = end;
  while (trimmed > start && isSpace(content[trimmed - 1] ?? 0)) trimmed--;
  return trimmed;
}
