import { BoxSearch, type Split } from "./box-search.ts";
import type { Side } from "./compared-lines.ts";
import { DiffTooHardError } from "./diff-too-hard-error.ts";
import type { LineMemory } from "./line-memory.ts";
import { rootEstimate } from "./root-estimate.ts";

/** Edits from which on a good path may be taken before the best one is found. */
const HEURISTIC_COST_MIN = 256;

/** No search gives up below this many edits. */
const COST_MAX_MIN = 256;

/** Steps of one comparison: some tens of milliseconds. What takes more is left to git. */
const STEPS_MAX = 8_000_000;

/** Part of both sides, as indexes of compared lines; the ends are exclusive. */
interface Box {
  readonly start1: number;
  readonly end1: number;
  readonly start2: number;
  readonly end2: number;
  /** Whether the shortest path has to be found, however long that takes. */
  readonly isMinimal: boolean;
}

/**
 * Marks the lines that an edit removes and adds, with few of them.
 *
 * Finds a short path in linear space from both ends, see Myers, "An O(ND) Difference Algorithm and
 * its Variations"; with git's bounds and shortcuts, since these decide about the result. Throws
 * `DiffTooHardError`.
 */
export function markEdits(before: Side, after: Side, memory: LineMemory): void {
  new EditPath(before, after, memory).mark();
}

class EditPath {
  readonly #side1: Side;
  readonly #side2: Side;
  readonly #lines1: Int32Array;
  readonly #lines2: Int32Array;
  /** How far paths from the start have come on each diagonal, at `#base` + diagonal. */
  readonly #forward: Int32Array;
  /** The same for paths from the end. */
  readonly #backward: Int32Array;
  readonly #base: number;
  readonly #costMax: number;
  #stepsLeft = STEPS_MAX;

  constructor(before: Side, after: Side, memory: LineMemory) {
    this.#side1 = before;
    this.#side2 = after;
    this.#lines1 = classesOf(before, memory);
    this.#lines2 = classesOf(after, memory);
    const diagonals = this.#lines1.length + this.#lines2.length + 3;
    this.#forward = memory.takeNumbers(diagonals + 1);
    this.#backward = memory.takeNumbers(diagonals + 1);
    this.#base = this.#lines2.length + 1;
    this.#costMax = Math.max(rootEstimate(diagonals), COST_MAX_MIN);
  }

  mark(): void {
    const whole = {
      start1: 0,
      end1: this.#lines1.length,
      start2: 0,
      end2: this.#lines2.length,
      isMinimal: false,
    };
    const boxes: Box[] = [whole];
    for (let box = boxes.pop(); box !== undefined; box = boxes.pop()) {
      const { start1, end1, start2, end2, isMinimal } = this.#shrink(box);
      if (start1 === end1) this.#markAll(this.#side2, start2, end2);
      else if (start2 === end2) this.#markAll(this.#side1, start1, end1);
      else {
        const split = this.#split(start1, end1, start2, end2, isMinimal);
        const { at1, at2, isMinimalBefore, isMinimalAfter } = split;
        boxes.push(
          { start1, end1: at1, start2, end2: at2, isMinimal: isMinimalBefore },
          { start1: at1, end1, start2: at2, end2, isMinimal: isMinimalAfter },
        );
      }
    }
  }

  #markAll({ changed, compared }: Side, start: number, end: number): void {
    for (let i = start; i < end; i++) changed[(compared[i] ?? 0) + 1] = 1;
  }

  /** Leaves equal lines at both ends out. */
  #shrink({ isMinimal, ...box }: Box): Box {
    const lines1 = this.#lines1;
    const lines2 = this.#lines2;
    let { start1, end1, start2, end2 } = box;
    while (start1 < end1 && start2 < end2 && lines1[start1] === lines2[start2]) {
      start1++;
      start2++;
    }
    while (start1 < end1 && start2 < end2 && lines1[end1 - 1] === lines2[end2 - 1]) {
      end1--;
      end2--;
    }
    return { start1, end1, start2, end2, isMinimal };
  }

  #spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) throw new DiffTooHardError("large-difference");
  }

  /** Finds where the path through a box crosses its middle. Diagonals are line 1 less line 2. */
  #split(start1: number, end1: number, start2: number, end2: number, isMinimal: boolean): Split {
    const search = new BoxSearch(this.#forward, this.#backward, this.#base, {
      start1,
      end1,
      start2,
      end2,
      lines1: this.#lines1,
      lines2: this.#lines2,
    });
    for (let cost = 1; ; cost++) {
      if (search.stepForward() || search.stepBackward()) {
        return { ...search.found, isMinimalBefore: true, isMinimalAfter: true };
      }
      this.#spend(search.takeSteps());
      if (isMinimal) continue;
      if (search.hasGoodRun && cost > HEURISTIC_COST_MIN) {
        const early = search.findGoodForward(cost) ?? search.findGoodBackward(cost);
        if (early !== undefined) return early;
      }
      if (cost >= this.#costMax) return search.furthest();
    }
  }
}

function classesOf({ classes, compared }: Side, memory: LineMemory): Int32Array {
  const lines = memory.takeNumbers(compared.length);
  for (let i = 0; i < lines.length; i++) lines[i] = classes[compared[i] ?? 0] ?? 0;
  return lines;
}
