import assert from "node:assert/strict";
import { test } from "node:test";
import { median, quantile } from "./statistics.ts";

test("median and quantile don't mind the order", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([50, 10, 20, 30, 40], 0.25), 20);
  assert.ok(Number.isNaN(median([])));
});
