import assert from "node:assert/strict";
import { test } from "node:test";
import { ScratchBuffers } from "./scratch-buffers.ts";

test("what was taken last stays while the next is filled", () => {
  const scratch = new ScratchBuffers();
  let last = scratch.take(10)?.fill(0);
  for (const [index, length] of [5, 200_000, 1, 1024 * 1024, 70_000].entries()) {
    const next = scratch.take(length)?.fill(index + 1);
    assert.equal(next?.length, length);
    assert.ok(last?.every((byte) => byte === index));
    last = next;
  }
});

test("too much is refused", () => {
  assert.equal(new ScratchBuffers().take(1024 * 1024 + 1), undefined);
});
