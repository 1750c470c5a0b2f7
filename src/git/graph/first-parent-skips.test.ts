import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CorruptObjectError } from "../object/object-error.ts";
import { FirstParentSkips } from "./first-parent-skips.ts";
import { runTask } from "./task.ts";

const { signal } = new AbortController();

/** Parents by commit; the generation of a commit is its number and one. */
function graphOf(parents: readonly (number | undefined)[]) {
  return {
    count: parents.length,
    firstParentAt: (commit: number) => parents[commit],
    generationAt: (commit: number) => commit + 1,
  };
}

/** A forest: each commit has an earlier one as its parent, most often the one before, or none. */
const forest = fc
  .array(fc.option(fc.oneof(fc.constant(0), fc.nat(200)), { freq: 30 }), { maxLength: 300 })
  .map((steps) =>
    steps.map((step, commit) =>
      step === null || commit === 0 ? undefined : Math.max(commit - 1 - step, 0),
    ),
  );

function lineOf(parents: readonly (number | undefined)[], from: number): number[] {
  const line: number[] = [];
  for (let commit: number | undefined = from; commit !== undefined; commit = parents[commit]) {
    line.push(commit);
  }
  return line;
}

test("a place of a line is found as by going there", async () => {
  await fc.assert(
    fc.asyncProperty(
      forest,
      fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 }),
      async (parents, asked) => {
        if (parents.length === 0) return;
        const skips = new FirstParentSkips(graphOf(parents), () => undefined);
        for (const [a, b] of asked) {
          const from = a % parents.length;
          const lowest = b % (from + 1);
          await runTask(skips.learn(from), signal);
          const expected = lineOf(parents, from).filter((commit) => commit + 1 > lowest);
          const last = skips.lastAbove(from, lowest);
          assert.equal(last, expected.at(-1));
          assert.deepEqual([...skips.upwards(from, last)], expected.reverse());
        }
      },
    ),
  );
});

test("memory is told once, whatever is learned", async () => {
  let bytes = 0;
  const skips = new FirstParentSkips(graphOf([undefined, 0, 1]), (count) => {
    bytes += count;
  });
  for (const commit of [2, 1, 2]) await runTask(skips.learn(commit), signal);
  assert.equal(bytes, 24);
});

test("a circle is corrupt", async () => {
  const skips = new FirstParentSkips(graphOf([2, 0, 1]), () => undefined);
  await assert.rejects(runTask(skips.learn(1), signal), CorruptObjectError);
});
