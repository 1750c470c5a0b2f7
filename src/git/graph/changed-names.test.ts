import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangedNames } from "./changed-names.ts";

test("what commits changed is told by name, and not known of others", () => {
  const memory = new ChangedNames(() => {});
  const folder = memory.in("dir");
  memory.note(folder, 1, []);
  memory.note(folder, 2, [-5]);
  memory.note(folder, 3, [7, 8]);
  const many = Array.from({ length: 100 }, (_, i) => i);
  memory.note(folder, 4, many);
  const asked = [0, 1, 2, 3, 4].map((commit) =>
    [-5, 7, 1000].map((name) => memory.in("dir").mayChange(commit, name)),
  );
  assert.deepEqual(asked, [
    [undefined, undefined, undefined],
    [false, false, false],
    [true, false, false],
    [false, true, false],
    // Too many to tell them apart.
    [true, true, true],
  ]);
  assert.equal(memory.in("other").mayChange(2, -5), undefined);
});

test("folders that nobody asks for are forgotten when memory runs out", () => {
  let bytes = 0;
  let bytesMax = 0;
  const memory = new ChangedNames((more) => {
    bytes += more;
    bytesMax = Math.max(bytesMax, bytes);
  });
  const names = [1, 2, 3, 4];
  const first = memory.in("first");
  memory.note(first, 0, names);
  const second = memory.in("second");
  for (let commit = 0; commit < 400_000; commit++) memory.note(second, commit, names);
  memory.in("second");
  const third = memory.in("third");
  for (let commit = 0; commit < 400_000; commit++) memory.note(third, commit, names);
  assert.notEqual(memory.in("third"), first);
  assert.equal(memory.in("first").mayChange(0, 1), undefined);
  assert.equal(memory.in("third").mayChange(0, 1), true);
  // Who holds a folder that is forgotten may go on with it.
  const { bytes: before } = first;
  memory.note(first, 1, names);
  assert.equal(first.bytes, before);
  for (let commit = 400_000; commit < 1_000_000; commit++) memory.note(third, commit, names);
  assert.equal(memory.in("third").mayChange(999_999, 1), undefined);
  assert.ok(bytesMax < 50 * 1024 * 1024, `${bytesMax}`);
  assert.ok(bytes > 0);
});
