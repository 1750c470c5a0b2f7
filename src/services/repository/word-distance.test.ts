import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wordDistance } from "./word-distance.ts";

function distance(one: readonly number[], other: readonly number[], max = 100): number | undefined {
  return wordDistance(Int32Array.from(one), Int32Array.from(other), max);
}

test("wordDistance counts changes, additions and removals", () => {
  assert.equal(distance([], []), 0);
  assert.equal(distance([1, 2, 3], [1, 2, 3]), 0);
  assert.equal(distance([1, 2, 3], [1, 9, 3]), 1);
  assert.equal(distance([1, 2, 3], [2, 3]), 1);
  assert.equal(distance([1, 2], [3, 4, 5]), 3);
  assert.equal(distance([], [1, 2]), 2);
  assert.equal(distance([1, 2], [3, 4], 2), 2);
  assert.equal(distance([1, 2], [3, 4], 1), undefined);
  assert.equal(distance([], [1, 2], 1), undefined);
});

test("wordDistance is the same both ways, and never more than all words", () => {
  const words = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 20 });
  fc.assert(
    fc.property(words, words, (one, other) => {
      const steps = distance(one, other);
      assert.equal(steps, distance(other, one));
      assert.ok(steps !== undefined && steps <= Math.max(one.length, other.length));
      assert.ok(steps >= Math.abs(one.length - other.length));
    }),
  );
});
