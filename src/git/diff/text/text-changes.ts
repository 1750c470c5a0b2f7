import { selectComparedLines } from "./compared-lines.ts";
import { markEdits } from "./edit-path.ts";
import { LineMemory } from "./line-memory.ts";
import { createLineTable } from "./line-table.ts";
import type { Lines } from "./lines.ts";
import { slideGroups } from "./slide-groups.ts";

/** Lines that were replaced by others; either may be none. Numbers of lines begin with 0. */
export interface TextChange {
  readonly start1: number;
  readonly end1: number;
  readonly start2: number;
  readonly end2: number;
}

/** How a text became another one. */
export interface TextChanges {
  readonly before: Lines;
  readonly after: Lines;
  /** In the order of the lines; there is an unchanged line between any two. */
  readonly changes: readonly TextChange[];
}

/**
 * Finds the lines in which two texts differ, exactly those that git finds by default: with its
 * algorithm "myers", its shortcuts and its heuristic for indentation.
 *
 * Throws `DiffTooHardError` for texts that are too large or differ too much.
 *
 * @param memory may be given again for other texts as soon as the result isn't needed any more
 */
export function findTextChanges(
  before: Buffer,
  after: Buffer,
  memory: LineMemory = new LineMemory(),
): TextChanges {
  memory.reset();
  const table = createLineTable(before, after, memory);
  const sides = selectComparedLines(table, memory);
  markEdits(sides.before, sides.after, memory);
  slideGroups(table.before, sides.before, sides.after);
  slideGroups(table.after, sides.after, sides.before);
  const changes = collectChanges(sides.before.changed, sides.after.changed);
  return { before: table.before, after: table.after, changes };
}

/** @param changed1 see `Side.changed` */
function collectChanges(changed1: Uint8Array, changed2: Uint8Array): TextChange[] {
  const changes: TextChange[] = [];
  const count1 = changed1.length - 2;
  const count2 = changed2.length - 2;
  for (let line1 = 0, line2 = 0; line1 < count1 || line2 < count2; line1++, line2++) {
    const start1 = line1;
    const start2 = line2;
    while (changed1[line1 + 1] === 1) line1++;
    while (changed2[line2 + 1] === 1) line2++;
    if (line1 === start1 && line2 === start2) continue;
    changes.push({ start1, end1: line1, start2, end2: line2 });
  }
  return changes;
}

/** Counts the lines that were added and removed. */
export function countChangedLines(changes: readonly TextChange[]): {
  additions: number;
  deletions: number;
} {
  let additions = 0;
  let deletions = 0;
  for (const { start1, end1, start2, end2 } of changes) {
    additions += end2 - start2;
    deletions += end1 - start1;
  }
  return { additions, deletions };
}
