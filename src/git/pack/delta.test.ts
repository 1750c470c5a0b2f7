import assert from "node:assert/strict";
import { test } from "node:test";
import { CorruptObjectError } from "../object/object-error.ts";
import { applyDelta, DeltaApplication, parseDeltaSizes } from "./delta.ts";

const BASE = Buffer.from("0123456789".repeat(10_000));

function sizes(...values: readonly number[]): number[] {
  return values.flatMap((value) => {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
    return [...bytes, rest];
  });
}

function apply(base: Buffer, ...bytes: readonly number[]): string {
  const delta = Buffer.from(bytes);
  return applyDelta(base, delta, parseDeltaSizes(delta)).toString();
}

const X = 0x78;

test("copies and insertions make the result", () => {
  const header = sizes(BASE.length, 8);
  assert.equal(apply(BASE, ...header, 0x91, 3, 5, 3, X, X, X), "34567xxx");
});

test("offset and length are put together from the bytes that are there", () => {
  // Offset 0x010002, of which the middle byte is left out; length 0x0101.
  const header = sizes(BASE.length, 0x101);
  const expected = BASE.subarray(0x10002, 0x10002 + 0x101).toString();
  assert.equal(apply(BASE, ...header, 0b1011_0101, 2, 1, 1, 1), expected);
});

test("a copy without a length has 65536 bytes", () => {
  const header = sizes(BASE.length, 0x10000);
  assert.equal(apply(BASE, ...header, 0x80), BASE.subarray(0, 0x10000).toString());
});

test("sizes may take several bytes", () => {
  const { base, result, end } = parseDeltaSizes(Buffer.from(sizes(2 ** 40 + 5, 300)));
  assert.deepEqual([base, result, end], [2 ** 40 + 5, 300, 8]);
});

test("a delta may be applied in several turns", () => {
  const insert = [4, X, X, X, X];
  const delta = Buffer.from([...sizes(BASE.length, 40), ...Array(10).fill(insert).flat()]);
  const application = new DeltaApplication(BASE, delta, parseDeltaSizes(delta));
  let turns = 1;
  while (!application.run(8)) turns++;
  assert.equal(turns, 5);
  assert.equal(application.result.toString(), "x".repeat(40));
});

test("a delta that lies is corrupt", () => {
  const size = BASE.length;
  const lies: readonly (readonly number[])[] = [
    [],
    [0x80],
    sizes(size),
    Array<number>(20).fill(0xff),
    [...sizes(size - 1, 3), 3, X, X, X],
    [...sizes(size, 4), 3, X, X, X],
    [...sizes(size, 2), 3, X, X, X],
    [...sizes(size, 3), 3, X, X],
    [...sizes(size, 3), 0],
    [...sizes(size, 3), 0x91, 3],
    [...sizes(size, 3), 0x98, 0xff, 3],
    [...sizes(size, 0x10000), 0x84, 1],
  ];
  for (const lie of lies) assert.throws(() => apply(BASE, ...lie), CorruptObjectError, `${lie}`);
});
