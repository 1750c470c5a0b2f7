import { canonicalMode, compareTreeNames, isTreeMode, type TreeCursor } from "./tree-object.ts";

/**
 * Which of two trees' current entries comes first: the sign tells, 0 that they have the same name.
 * Where a tree has ended, the other one's entries come next.
 */
export function orderOfEntries(a: TreeCursor, hasA: boolean, b: TreeCursor, hasB: boolean): number {
  return hasA && hasB ? compareEntries(a, b) : Number(hasB) - Number(hasA);
}

/** Most entries have the same name on both sides: that is found out without looking at order. */
function compareEntries(a: TreeCursor, b: TreeCursor): number {
  const length = a.nameEnd - a.nameStart;
  const isSameName =
    b.nameEnd - b.nameStart === length &&
    isSameRange(a.content, a.nameStart, b.content, b.nameStart, length);
  return isSameName && isTreeMode(a.mode) === isTreeMode(b.mode) ? 0 : compareTreeNames(a, b);
}

/** Whether the same stands in two trees' current entries, whatever they are called. */
export function isSameEntry(a: TreeCursor, b: TreeCursor): boolean {
  if (a.mode !== b.mode && canonicalMode(a.mode) !== canonicalMode(b.mode)) return false;
  return isSameRange(a.content, a.nameEnd + 1, b.content, b.nameEnd + 1, a.oidLength);
}

/** Ranges are short, so a call into native code would cost more. */
function isSameRange(
  a: Buffer,
  startA: number,
  b: Buffer,
  startB: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[startA + i] !== b[startB + i]) return false;
  return true;
}
