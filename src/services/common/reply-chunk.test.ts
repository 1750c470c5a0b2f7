import assert from "node:assert/strict";
import { test } from "node:test";
import { REPLY_BYTES_MAX, ReplyChunk } from "./reply-chunk.ts";

/** The replies that items of these sizes are sent in. */
function replies(sizes: readonly number[]): number[][] {
  const chunk = new ReplyChunk<number>((size) => size);
  const sent: number[][] = [];
  for (const size of sizes) {
    const full = chunk.add(size);
    if (full !== undefined) sent.push(full);
  }
  const rest = chunk.rest();
  return rest === undefined ? sent : [...sent, rest];
}

test("ReplyChunk fills replies up to the limit", () => {
  const half = REPLY_BYTES_MAX / 2;
  assert.deepEqual(replies([]), []);
  assert.deepEqual(replies([1, 2, 3]), [[1, 2, 3]]);
  assert.deepEqual(replies([half, half - 1]), [[half, half - 1]]);
  assert.deepEqual(replies([half, half, 1]), [[half], [half, 1]]);
});

test("ReplyChunk sends a large item alone", () => {
  const large = REPLY_BYTES_MAX;
  assert.deepEqual(replies([large]), [[], [large]]);
  assert.deepEqual(replies([1, large, 1]), [[1], [large], [1]]);
});
