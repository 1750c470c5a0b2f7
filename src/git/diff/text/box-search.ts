/** A run of more equal lines than this counts as a sign that a path is a good one. */
const GOOD_RUN = 20;

/** How much further than its cost a path must have come to be taken early. */
const REACH_FACTOR = 4;

const NEVER = 0x7fffffff;

/** Where a path is cut in two. */
export interface Split {
  readonly at1: number;
  readonly at2: number;
  readonly isMinimalBefore: boolean;
  readonly isMinimalAfter: boolean;
}

/** Part of two texts, and their lines as classes. Ends are exclusive. */
interface BoxLines {
  readonly start1: number;
  readonly end1: number;
  readonly start2: number;
  readonly end2: number;
  readonly lines1: Int32Array;
  readonly lines2: Int32Array;
}

/** The search through one box for the place where the paths from both of its ends meet. */
export class BoxSearch {
  hasGoodRun = false;
  found = { at1: 0, at2: 0 };
  readonly #forward: Int32Array;
  readonly #backward: Int32Array;
  readonly #base: number;
  readonly #box: BoxLines;
  /** Diagonals of the box' corners below and above. */
  readonly #lowest: number;
  readonly #highest: number;
  readonly #forwardMiddle: number;
  readonly #backwardMiddle: number;
  /** Paths in both directions meet in the forward step, or else in the backward one. */
  readonly #isOdd: boolean;
  #forwardMin: number;
  #forwardMax: number;
  #backwardMin: number;
  #backwardMax: number;
  #steps = 0;

  constructor(forward: Int32Array, backward: Int32Array, base: number, box: BoxLines) {
    const { start1, end1, start2, end2 } = box;
    this.#forward = forward;
    this.#backward = backward;
    this.#base = base;
    this.#box = box;
    this.#lowest = start1 - end2;
    this.#highest = end1 - start2;
    this.#forwardMiddle = start1 - start2;
    this.#backwardMiddle = end1 - end2;
    this.#isOdd = ((this.#forwardMiddle - this.#backwardMiddle) & 1) !== 0;
    this.#forwardMin = this.#forwardMax = this.#forwardMiddle;
    this.#backwardMin = this.#backwardMax = this.#backwardMiddle;
    forward[base + this.#forwardMiddle] = start1;
    backward[base + this.#backwardMiddle] = end1;
  }

  takeSteps(): number {
    const steps = this.#steps;
    this.#steps = 0;
    return steps;
  }

  /** Takes all forward paths one edit further; `true` when one has met a backward one. */
  stepForward(): boolean {
    const { lines1, lines2, end1, end2 } = this.#box;
    const forward = this.#forward;
    const base = this.#base;
    this.hasGoodRun = false;
    this.#widenForward();
    for (let diagonal = this.#forwardMax; diagonal >= this.#forwardMin; diagonal -= 2) {
      const k = base + diagonal;
      const below = forward[k - 1] ?? 0;
      const above = forward[k + 1] ?? 0;
      const from = below >= above ? below + 1 : above;
      let at1 = from;
      let at2 = from - diagonal;
      while (at1 < end1 && at2 < end2 && lines1[at1] === lines2[at2]) {
        at1++;
        at2++;
      }
      this.#steps += at1 - from + 1;
      if (at1 - from > GOOD_RUN) this.hasGoodRun = true;
      forward[k] = at1;
      if (this.#isOdd && this.#meetsBackward(diagonal, at1)) {
        this.found = { at1, at2 };
        return true;
      }
    }
    return false;
  }

  /** Takes all backward paths one edit further; `true` when one has met a forward one. */
  stepBackward(): boolean {
    const { lines1, lines2, start1, start2 } = this.#box;
    const backward = this.#backward;
    const base = this.#base;
    this.#widenBackward();
    for (let diagonal = this.#backwardMax; diagonal >= this.#backwardMin; diagonal -= 2) {
      const k = base + diagonal;
      const below = backward[k - 1] ?? 0;
      const above = backward[k + 1] ?? 0;
      const from = below < above ? below : above - 1;
      let at1 = from;
      let at2 = from - diagonal;
      while (at1 > start1 && at2 > start2 && lines1[at1 - 1] === lines2[at2 - 1]) {
        at1--;
        at2--;
      }
      this.#steps += from - at1 + 1;
      if (from - at1 > GOOD_RUN) this.hasGoodRun = true;
      backward[k] = at1;
      if (!this.#isOdd && this.#meetsForward(diagonal, at1)) {
        this.found = { at1, at2 };
        return true;
      }
    }
    return false;
  }

  /** A diagonal outside of the box is left again in the opposite direction. */
  #widenForward(): void {
    const base = this.#base;
    if (this.#forwardMin > this.#lowest) this.#forward[base + --this.#forwardMin - 1] = -1;
    else ++this.#forwardMin;
    if (this.#forwardMax < this.#highest) this.#forward[base + ++this.#forwardMax + 1] = -1;
    else --this.#forwardMax;
  }

  #widenBackward(): void {
    const base = this.#base;
    if (this.#backwardMin > this.#lowest) this.#backward[base + --this.#backwardMin - 1] = NEVER;
    else ++this.#backwardMin;
    if (this.#backwardMax < this.#highest) this.#backward[base + ++this.#backwardMax + 1] = NEVER;
    else --this.#backwardMax;
  }

  #meetsBackward(diagonal: number, at1: number): boolean {
    if (diagonal < this.#backwardMin || diagonal > this.#backwardMax) return false;
    return (this.#backward[this.#base + diagonal] ?? 0) <= at1;
  }

  #meetsForward(diagonal: number, at1: number): boolean {
    if (diagonal < this.#forwardMin || diagonal > this.#forwardMax) return false;
    return at1 <= (this.#forward[this.#base + diagonal] ?? 0);
  }

  /** The forward path that has come furthest for its cost, if it ends in a good run. */
  findGoodForward(cost: number): Split | undefined {
    const { start1, end1, start2, end2 } = this.#box;
    let best = 0;
    let split: Split | undefined;
    for (let diagonal = this.#forwardMax; diagonal >= this.#forwardMin; diagonal -= 2) {
      const at1 = this.#forward[this.#base + diagonal] ?? 0;
      const at2 = at1 - diagonal;
      const reach = at1 - start1 + (at2 - start2) - Math.abs(diagonal - this.#forwardMiddle);
      if (reach <= REACH_FACTOR * cost || reach <= best) continue;
      if (start1 + GOOD_RUN > at1 || at1 >= end1) continue;
      if (start2 + GOOD_RUN > at2 || at2 >= end2) continue;
      if (!this.#isRun(at1 - GOOD_RUN, at2 - GOOD_RUN)) continue;
      best = reach;
      split = { at1, at2, isMinimalBefore: true, isMinimalAfter: false };
    }
    return split;
  }

  /** The backward path that has come furthest for its cost, if it ends in a good run. */
  findGoodBackward(cost: number): Split | undefined {
    const { start1, end1, start2, end2 } = this.#box;
    let best = 0;
    let split: Split | undefined;
    for (let diagonal = this.#backwardMax; diagonal >= this.#backwardMin; diagonal -= 2) {
      const at1 = this.#backward[this.#base + diagonal] ?? 0;
      const at2 = at1 - diagonal;
      const reach = end1 - at1 + (end2 - at2) - Math.abs(diagonal - this.#backwardMiddle);
      if (reach <= REACH_FACTOR * cost || reach <= best) continue;
      if (start1 >= at1 || at1 > end1 - GOOD_RUN) continue;
      if (start2 >= at2 || at2 > end2 - GOOD_RUN) continue;
      if (!this.#isRun(at1, at2)) continue;
      best = reach;
      split = { at1, at2, isMinimalBefore: false, isMinimalAfter: true };
    }
    return split;
  }

  #isRun(start1: number, start2: number): boolean {
    const { lines1, lines2 } = this.#box;
    for (let i = 0; i < GOOD_RUN; i++) if (lines1[start1 + i] !== lines2[start2 + i]) return false;
    return true;
  }

  /** The end of the path that has come furthest in either direction. */
  furthest(): Split {
    const { start1, end1, start2, end2 } = this.#box;
    const forward = this.#furthestForward();
    const backward = this.#furthestBackward();
    if (end1 + end2 - backward.sum < forward.sum - (start1 + start2)) {
      const { at1, sum } = forward;
      return { at1, at2: sum - at1, isMinimalBefore: true, isMinimalAfter: false };
    }
    const { at1, sum } = backward;
    return { at1, at2: sum - at1, isMinimalBefore: false, isMinimalAfter: true };
  }

  #furthestForward(): { at1: number; sum: number } {
    const { end1, end2 } = this.#box;
    const best = { at1: -1, sum: -1 };
    for (let diagonal = this.#forwardMax; diagonal >= this.#forwardMin; diagonal -= 2) {
      let at1 = Math.min(this.#forward[this.#base + diagonal] ?? 0, end1);
      if (end2 < at1 - diagonal) at1 = end2 + diagonal;
      const sum = at1 + at1 - diagonal;
      if (best.sum >= sum) continue;
      best.sum = sum;
      best.at1 = at1;
    }
    return best;
  }

  #furthestBackward(): { at1: number; sum: number } {
    const { start1, start2 } = this.#box;
    const best = { at1: NEVER, sum: NEVER };
    for (let diagonal = this.#backwardMax; diagonal >= this.#backwardMin; diagonal -= 2) {
      let at1 = Math.max(start1, this.#backward[this.#base + diagonal] ?? 0);
      if (at1 - diagonal < start2) at1 = start2 + diagonal;
      const sum = at1 + at1 - diagonal;
      if (sum >= best.sum) continue;
      best.sum = sum;
      best.at1 = at1;
    }
    return best;
  }
}
