import assert from "node:assert/strict";
import { test } from "node:test";
import { FetchFrequency } from "./fetch-frequency.ts";

const SETTINGS = { threshold: 3, intervalMs: 100, bundleAgeMs: 1_000_000 };

test("FetchFrequency asks for a bundle when fetches come often enough", () => {
  const frequency = new FetchFrequency(SETTINGS);
  const due = (...times: readonly number[]) => times.map((time) => frequency.note("a", time));
  assert.deepEqual(due(0, 50, 101), [false, false, false]);
  assert.deepEqual(due(150), [true]);
  // One is being made; a failure lets the next one try again.
  assert.deepEqual(due(151, 152), [false, false]);
  frequency.endBundling("a", undefined);
  assert.deepEqual(due(153), [true]);
  frequency.endBundling("a", 160);
  assert.deepEqual(due(161, 162, 163), [false, false, false]);
  const old = 160 + SETTINGS.bundleAgeMs;
  assert.deepEqual(due(old - 3, old - 2, old - 1, old), [false, false, false, true]);
});

test("FetchFrequency counts each repository for itself", () => {
  const frequency = new FetchFrequency(SETTINGS);
  for (const key of ["a", "b", "c"]) assert.equal(frequency.note(key, 1), false);
  assert.equal(frequency.note("a", 2), false);
  assert.equal(frequency.note("a", 3), true);
});

test("FetchFrequency forgets repositories that are quiet", () => {
  const frequency = new FetchFrequency({ ...SETTINGS, bundleAgeMs: 200_000 });
  for (const key of ["quiet", "bundled", "bundling"]) {
    for (const time of [0, 1, 2]) frequency.note(key, time);
  }
  frequency.endBundling("quiet", undefined);
  frequency.endBundling("bundled", 2);
  frequency.note("new", 100_000);
  assert.equal(frequency.size, 3);
  frequency.note("new", 300_000);
  assert.equal(frequency.size, 2);
  frequency.endBundling("bundling", undefined);
  frequency.note("new", 400_000);
  assert.equal(frequency.size, 1);
});

test("FetchFrequency remembers only so many", () => {
  const frequency = new FetchFrequency(SETTINGS);
  for (let key = 0; key < 10_050; key++) frequency.note(String(key), 1);
  assert.equal(frequency.size, 10_000);
});
