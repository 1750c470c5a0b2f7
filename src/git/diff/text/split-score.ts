import type { Lines } from "./lines.ts";

/** Indentation beyond this many columns counts as that many. */
const INDENT_MAX = 200;

/** More blank lines in a row count as that many. */
const BLANKS_MAX = 20;

const TAB_COLUMNS = 8;

/** There is no line, or it is blank. */
const NO_INDENT = -1;

/*
 * Git's weights, which it has from a collection of differences judged by people: less is better.
 */
const START_OF_FILE = 1;
const END_OF_FILE = 21;
const EACH_BLANK = -30;
const EACH_BLANK_BELOW = 6;
const DEEPER = -4;
const DEEPER_WITH_BLANK = 10;
const LESS_DEEP_BEFORE_DEEPER = 24;
const LESS_DEEP_BEFORE_DEEPER_WITH_BLANK = 17;
const LESS_DEEP = 23;
const LESS_DEEP_WITH_BLANK = 17;
const INDENT_WEIGHT = 60;

/** How ugly it is to cut a text at some places. */
export interface SplitScore {
  /** Sum of the columns by which the lines below the cuts are indented. */
  readonly indent: number;
  readonly penalty: number;
}

/** Scores a group of changed lines by both of its ends: lines above which the text is cut. */
export function scoreSplits(lines: Lines, start: number, end: number): SplitScore {
  const first = scoreSplit(lines, end);
  const second = scoreSplit(lines, start);
  return { indent: first.indent + second.indent, penalty: first.penalty + second.penalty };
}

/** Negative when `a` is the better one, 0 when both are as good. */
export function compareScores(a: SplitScore, b: SplitScore): number {
  return INDENT_WEIGHT * Math.sign(a.indent - b.indent) + (a.penalty - b.penalty);
}

/** The next line that isn't blank in a direction, and how many blank ones come before it. */
interface Surroundings {
  readonly indent: number;
  readonly blanks: number;
}

function scoreSplit(lines: Lines, split: number): SplitScore {
  const isEnd = split >= lines.count;
  const ownIndent = isEnd ? NO_INDENT : indentOf(lines, split);
  const above = lookAround(lines, split, -1);
  const below = lookAround(lines, split, 1);
  const blanksBelow = ownIndent === NO_INDENT ? 1 + below.blanks : 0;
  const blanks = above.blanks + blanksBelow;
  const indent = ownIndent === NO_INDENT ? below.indent : ownIndent;
  let penalty = EACH_BLANK * blanks + EACH_BLANK_BELOW * blanksBelow;
  if (above.indent === NO_INDENT && above.blanks === 0) penalty += START_OF_FILE;
  if (isEnd) penalty += END_OF_FILE;
  if (indent !== NO_INDENT && above.indent !== NO_INDENT) {
    penalty += indentPenalty(above.indent, indent, below.indent, blanks > 0);
  }
  return { indent, penalty };
}

function indentPenalty(above: number, own: number, below: number, hasBlanks: boolean): number {
  if (own > above) return hasBlanks ? DEEPER_WITH_BLANK : DEEPER;
  if (own === above) return 0;
  // What follows deeper lines either begins a block of its own, or ends theirs.
  if (below !== NO_INDENT && below > own) {
    return hasBlanks ? LESS_DEEP_BEFORE_DEEPER_WITH_BLANK : LESS_DEEP_BEFORE_DEEPER;
  }
  return hasBlanks ? LESS_DEEP_WITH_BLANK : LESS_DEEP;
}

function lookAround(lines: Lines, split: number, direction: 1 | -1): Surroundings {
  let blanks = 0;
  for (let i = split + direction; i >= 0 && i < lines.count; i += direction) {
    const indent = indentOf(lines, i);
    if (indent !== NO_INDENT) return { indent, blanks };
    if (++blanks === BLANKS_MAX) return { indent: 0, blanks };
  }
  return { indent: NO_INDENT, blanks };
}

/** Columns of white space in front; other white space than blanks and tabs has no width. */
function indentOf({ content, starts }: Lines, line: number): number {
  const end = starts[line + 1] ?? 0;
  let columns = 0;
  for (let i = starts[line] ?? 0; i < end; i++) {
    const byte = content[i] ?? 0;
    if (!isSpace(byte)) return columns;
    if (byte === 0x20) columns++;
    else if (byte === 0x09) columns += TAB_COLUMNS - (columns % TAB_COLUMNS);
    if (columns >= INDENT_MAX) return INDENT_MAX;
  }
  return NO_INDENT;
}

/** What git takes for white space, in any locale. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
