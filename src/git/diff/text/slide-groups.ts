import type { Side } from "./compared-lines.ts";
import type { Lines } from "./lines.ts";
import { compareScores, type SplitScore, scoreSplits } from "./split-score.ts";

/** A group isn't moved further than this for better looks. */
const SLIDE_MAX = 100;

/**
 * Moves groups of changed lines to where they read best.
 *
 * A group whose first line equals the one behind it says the same when it stands a line lower. So
 * each is moved until it joins others; then to where the other side has changes as well; then to
 * where blank lines and indentation cut the text. To be called for each side, that of the text
 * before first.
 */
export function slideGroups(lines: Lines, side: Side, other: Side): void {
  const group = new ChangeGroup(side);
  const opposite = new ChangeGroup(other);
  do {
    if (!group.isEmpty) slideGroup(lines, group, opposite);
    opposite.next();
  } while (group.next());
}

/** @param opposite the group of the other side between the same unchanged lines */
function slideGroup(lines: Lines, group: ChangeGroup, opposite: ChangeGroup): void {
  const { highestEnd, matchingEnd, length } = slideBothWays(group, opposite);
  if (group.end === highestEnd) return;
  if (matchingEnd !== undefined) {
    while (opposite.isEmpty && group.slideUp()) opposite.previous();
    return;
  }
  const bestEnd = findBestEnd(lines, highestEnd, group.end, length);
  while (group.end > bestEnd && group.slideUp()) opposite.previous();
}

/** Moves a group up and down as far as it goes, again when it has joined another one. */
function slideBothWays(
  group: ChangeGroup,
  opposite: ChangeGroup,
): { highestEnd: number; matchingEnd: number | undefined; length: number } {
  for (;;) {
    const length = group.end - group.start;
    while (group.slideUp()) opposite.previous();
    const highestEnd = group.end;
    let matchingEnd = opposite.isEmpty ? undefined : group.end;
    while (group.slideDown()) {
      opposite.next();
      if (!opposite.isEmpty) matchingEnd = group.end;
    }
    if (length === group.end - group.start) return { highestEnd, matchingEnd, length };
  }
}

function findBestEnd(lines: Lines, highest: number, lowest: number, length: number): number {
  let bestEnd = lowest;
  let best: SplitScore | undefined;
  for (let end = Math.max(highest, lowest - length - 1, lowest - SLIDE_MAX); end <= lowest; end++) {
    const score = scoreSplits(lines, end - length, end);
    if (best !== undefined && compareScores(score, best) > 0) continue;
    best = score;
    bestEnd = end;
  }
  return bestEnd;
}

/** Changed lines between two unchanged ones, or an end of the text; there may be none. */
class ChangeGroup {
  start = 0;
  /** The first unchanged line behind the group. */
  end = 0;
  readonly #classes: Int32Array;
  readonly #changed: Uint8Array;

  constructor({ classes, changed }: Side) {
    this.#classes = classes;
    this.#changed = changed;
    this.#extendDown();
  }

  get isEmpty(): boolean {
    return this.start === this.end;
  }

  next(): boolean {
    if (this.end === this.#classes.length) return false;
    this.start = this.end + 1;
    this.end = this.start;
    this.#extendDown();
    return true;
  }

  previous(): void {
    if (this.start === 0) return;
    this.end = this.start - 1;
    this.start = this.end;
    this.#extendUp();
  }

  /** Moves the group a line down, where it may join the next one. Returns `false` if it can't. */
  slideDown(): boolean {
    const isPossible =
      this.end < this.#classes.length && this.#classes[this.start] === this.#classes[this.end];
    if (!isPossible) return false;
    this.#changed[++this.start] = 0;
    this.#changed[++this.end] = 1;
    this.#extendDown();
    return true;
  }

  /** Moves the group a line up, where it may join the one before. Returns `false` if it can't. */
  slideUp(): boolean {
    const isPossible =
      this.start > 0 && this.#classes[this.start - 1] === this.#classes[this.end - 1];
    if (!isPossible) return false;
    this.#changed[this.start--] = 1;
    this.#changed[this.end--] = 0;
    this.#extendUp();
    return true;
  }

  #extendDown(): void {
    while (this.#changed[this.end + 1] === 1) this.end++;
  }

  #extendUp(): void {
    while (this.#changed[this.start] === 1) this.start--;
  }
}
