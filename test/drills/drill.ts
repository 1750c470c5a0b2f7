import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import type { TestContext } from "node:test";

/** A drill has found that something promised isn't kept. */
export class DrillFinding extends Error {}

/** How much a drill does: the first number in `make test`, the second with DRILL_LONG=1. */
export function drillSize(short: number, long: number): number {
  return process.env["DRILL_LONG"] === "1" ? long : short;
}

/** Fails the drill unless `kept`. */
export function expectKept(kept: boolean, promise: string): void {
  if (!kept) throw new DrillFinding(promise);
}

/** The negative control: `work` must end with a finding that `pattern` matches, and no other error. */
export async function mustBeFound(pattern: RegExp, work: () => Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof DrillFinding, String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

/** Tells the figures of a run, and adds them as a line of JSON to the file DRILL_FIGURES. */
export function reportFigures(
  t: TestContext,
  drill: string,
  figures: Readonly<Record<string, number | string>>,
): void {
  const line = JSON.stringify({ drill, ...figures });
  t.diagnostic(line);
  const file = process.env["DRILL_FIGURES"];
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}

/** Numbers from 0 to 1 that follow from a seed: DRILL_SEED, or one that is told. */
export function seededRandom(t: TestContext): () => number {
  const seed = Number(process.env["DRILL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`DRILL_SEED=${seed}`);
  let state = seed;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
