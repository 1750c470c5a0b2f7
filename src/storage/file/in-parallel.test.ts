import assert from "node:assert/strict";
import { test } from "node:test";
import { inParallel } from "./in-parallel.ts";

test("a few items are worked on at a time", async () => {
  let running = 0;
  let most = 0;
  const results = await inParallel(
    [1, 2, 3, 4, 5],
    async (item) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return item * item;
    },
    2,
  );
  assert.deepEqual(
    results.toSorted((a, b) => a - b),
    [1, 4, 9, 16, 25],
  );
  assert.equal(most, 2);
});

test("nothing goes on any more when a failure is told, and nothing was begun after it", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = inParallel(
    [1, 2, 3, 4],
    async (item) => {
      begun.push(item);
      if (item === 2) throw new Error("second");
      await new Promise((resolve) => setImmediate(resolve));
      ended.push(item);
    },
    2,
  );
  await assert.rejects(work, /second/);
  assert.deepEqual(begun, [1, 2]);
  assert.deepEqual(ended, [1]);
});
