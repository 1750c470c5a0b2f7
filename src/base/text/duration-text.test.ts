import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./duration-text.ts";

for (const [text, milliseconds, canonical] of [
  ["0", 0, "0s"],
  ["1m30s", 90_000, "1m30s"],
  ["-1.5h", -5_400_000, "-1h30m0s"],
  ["300ms", 300, "300ms"],
  ["1ns", 1e-6, "1ns"],
  ["1.5us", 0.0015, "1.5µs"],
  [".5s", 500, "500ms"],
  ["1.s", 1000, "1s"],
  ["+5s", 5000, "5s"],
  ["1h1ms", 3_600_001, "1h0m0.001s"],
] as const) {
  test(`"${text}" is ${milliseconds} ms, written ${canonical}`, () => {
    assert.equal(parseDuration(text), milliseconds);
    assert.equal(formatDuration(milliseconds), canonical);
  });
}

for (const [text, message] of [
  ["", 'time: invalid duration ""'],
  ["-", 'time: invalid duration "-"'],
  [".", 'time: invalid duration "."'],
  ["bad value", 'time: invalid duration "bad value"'],
  ["5", 'time: missing unit in duration "5"'],
  ["1..5s", 'time: missing unit in duration "1..5s"'],
  ["5x", 'time: unknown unit "x" in duration "5x"'],
  ["1s ", 'time: unknown unit "s " in duration "1s "'],
  ["99999999999h", 'time: invalid duration "99999999999h"'],
  [`${"9".repeat(1000)}h`, `time: invalid duration "${"9".repeat(1000)}h"`],
] as const) {
  test(`"${text.slice(0, 20)}" is no duration`, () => {
    assert.throws(() => parseDuration(text), { message });
  });
}

test("what formatDuration writes, parseDuration reads", () => {
  const milliseconds = fc.integer({ min: -1e12, max: 1e12 }).map((value) => value / 1000);
  fc.assert(fc.property(milliseconds, (value) => parseDuration(formatDuration(value)) === value));
});
