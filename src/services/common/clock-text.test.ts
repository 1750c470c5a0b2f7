import assert from "node:assert/strict";
import { test } from "node:test";
import { clockAt } from "./clock-text.ts";

test("dates are told as far away as commits can hold them", () => {
  for (const [seconds, timezone, expected] of [
    [0n, "+0000", "Thu Jan 01 1970 00:00:00 +0000"],
    [1_600_000_000n, "+0530", "Sun Sep 13 2020 17:56:40 +0530"],
    [951_782_400n, "-0100", "Mon Feb 28 2000 23:00:00 -0100"],
    [-62_135_596_800n, "+0000", "Mon Jan 01 0001 00:00:00 +0000"],
    [-62_135_596_801n, "+0000", "Sun Dec 31 0000 23:59:59 +0000"],
    [-62_167_219_201n, "+0000", "Fri Dec 31 -0001 23:59:59 +0000"],
    [9_223_371_974_719_179_007n, "+0000", "Thu Dec 06 292277024627 15:30:07 +0000"],
  ] as const) {
    assert.equal(clockAt({ seconds, timezone }).text, expected);
  }
  assert.equal(clockAt({ seconds: 4_102_444_799n, timezone: "+0001" }).year, 2100n);
});
