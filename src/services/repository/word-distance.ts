/**
 * How many words have to be changed, added or removed to make one text of the other; undefined when
 * they are more than `max`.
 *
 * It is a little less than the edit distance where additions and removals far from each other could
 * be counted as changes. Takes time in proportion to the length and the difference (Myers, "An O(ND)
 * Difference Algorithm", 1986).
 */
export function wordDistance(one: Int32Array, other: Int32Array, max: number): number | undefined {
  const lengthDifference = Math.abs(one.length - other.length);
  // Each change counts as one removal and one addition.
  const stepsMax = Math.min(2 * max - lengthDifference, one.length + other.length);
  if (stepsMax < lengthDifference) return undefined;
  const steps = countSteps(one, other, stepsMax);
  return steps === undefined ? undefined : (steps + lengthDifference) / 2;
}

/** Additions and removals on the shortest way from one to the other. */
function countSteps(one: Int32Array, other: Int32Array, stepsMax: number): number | undefined {
  const goal = one.length - other.length;
  const offset = stepsMax + 1;
  /** How far into `one` each diagonal has come. */
  const reached = new Int32Array(2 * offset + 1);
  for (let steps = 0; steps <= stepsMax; steps++) {
    for (let diagonal = -steps; diagonal <= steps; diagonal += 2) {
      const left = reached[offset + diagonal - 1] ?? 0;
      const right = reached[offset + diagonal + 1] ?? 0;
      const isDown = diagonal === -steps || (diagonal !== steps && left < right);
      const x = followSame(one, other, isDown ? right : left + 1, diagonal);
      reached[offset + diagonal] = x;
      if (diagonal === goal && x >= one.length) return steps;
    }
  }
  return undefined;
}

/** How far both are the same from `start` on; `other` begins `diagonal` words earlier. */
function followSame(one: Int32Array, other: Int32Array, start: number, diagonal: number): number {
  let x = start;
  while (x < one.length && x - diagonal < other.length && one[x] === other[x - diagonal]) x++;
  return x;
}
