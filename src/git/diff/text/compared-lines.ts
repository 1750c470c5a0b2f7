import type { LineMemory } from "./line-memory.ts";
import type { LineTable } from "./line-table.ts";
import { rootEstimate } from "./root-estimate.ts";

/** A line that stands so often in the other text says little; git's bound for what "often" is. */
const OFTEN_MAX = 1024;

/** Lines to both sides of one that is investigated. */
const WINDOW_LINES = 100;

/** Between so many times as many lines without any match, a frequent line isn't worth a match. */
const UNMATCHED_RATIO = 4;

const DISCARD = 0;
const KEEP = 1;
const INVESTIGATE = 2;

/** One side of a comparison. */
export interface Side {
  /** Line classes, see `Lines`. */
  readonly classes: Int32Array;
  /** Whether line `i` is changed, at `i + 1`; zeros in front and at the end. */
  readonly changed: Uint8Array;
  /** Numbers of those lines, in their order, that the search for a path looks at. */
  readonly compared: Int32Array;
}

/**
 * Leaves out lines that can't match, or hardly: those are marked as changed at once.
 *
 * Lines at both ends that are the same aren't looked at. Of the rest, a line without an equal one
 * in the other text is left out, and one with very many when it stands among such lines.
 */
export function selectComparedLines(
  table: LineTable,
  memory: LineMemory,
): { before: Side; after: Side } {
  const { before, after, countsBefore, countsAfter, commonStart, commonEnd } = table;
  const endBefore = before.count - commonEnd;
  const endAfter = after.count - commonEnd;
  return {
    before: selectSide(before.classes, countsAfter, commonStart, endBefore, memory),
    after: selectSide(after.classes, countsBefore, commonStart, endAfter, memory),
  };
}

function selectSide(
  classes: Int32Array,
  countsInOther: Int32Array,
  start: number,
  end: number,
  memory: LineMemory,
): Side {
  const changed = memory.takeBytes(classes.length + 2);
  const compared = memory.takeNumbers(end - start);
  const often = Math.min(rootEstimate(classes.length), OFTEN_MAX);
  const actions = memory.takeBytes(end - start);
  for (let i = start; i < end; i++) {
    const count = countsInOther[classes[i] ?? 0] ?? 0;
    if (count === 0) actions[i - start] = DISCARD;
    else actions[i - start] = count < often ? KEEP : INVESTIGATE;
  }
  let count = 0;
  for (let i = 0; i < actions.length; i++) {
    const action = actions[i];
    const isLeftOut =
      action === DISCARD || (action === INVESTIGATE && isAmongUnmatched(actions, i));
    if (isLeftOut) changed[start + i + 1] = 1;
    else compared[count++] = start + i;
  }
  return { classes, changed, compared: compared.subarray(0, count) };
}

/** Counts lines without and with many matches around a line up to the next that is kept. */
function isAmongUnmatched(actions: Uint8Array, index: number): boolean {
  const first = Math.max(0, index - WINDOW_LINES);
  const last = Math.min(actions.length - 1, index + WINDOW_LINES);
  let unmatched = 0;
  // The line itself counts once for each direction.
  let frequent = 2;
  for (let i = index - 1; i >= first && actions[i] !== KEEP; i--) {
    if (actions[i] === DISCARD) unmatched++;
    else frequent++;
  }
  if (unmatched === 0) return false;
  const unmatchedAbove = unmatched;
  for (let i = index + 1; i <= last && actions[i] !== KEEP; i++) {
    if (actions[i] === DISCARD) unmatched++;
    else frequent++;
  }
  if (unmatched === unmatchedAbove) return false;
  return frequent * UNMATCHED_RATIO < frequent + unmatched;
}
