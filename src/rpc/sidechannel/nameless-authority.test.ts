import assert from "node:assert/strict";
import { test } from "node:test";
import { NamelessAuthority } from "./nameless-authority.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

function frame(type: number, flags: number, payload: readonly number[]): Buffer {
  const length = [payload.length >> 16, payload.length >> 8, payload.length].map((n) => n & 0xff);
  return Buffer.from([...length, type, flags, 0, 0, 0, 1, ...payload]);
}

const ascii = (text: string): number[] => [...Buffer.from(text, "latin1")];
/** `:method: POST`, a new size of the table, a path, and a name of its own. */
const BEFORE = [
  0x83,
  0x3f,
  0xe1,
  0x1f,
  0x45,
  0x02,
  ...ascii("/@"),
  0x40,
  2,
  ...ascii("x@"),
  1,
  0x40,
];
const request = (authority: readonly number[]): number[] => [...BEFORE, ...authority, 0x86];

/** What a client sends, with this authority in every form of a literal field. */
function sent(value: readonly number[]): Buffer {
  return Buffer.concat([
    PREFACE,
    SETTINGS,
    frame(1, 4, request([0x41, ...value])),
    frame(0, 0, [0x41, 1, 0x40]),
    frame(1, 4 | 0x20, [0, 0, 0, 0, 0, ...request([0x01, ...value])]),
    frame(1, 4 | 8, [3, ...request([0x11, ...value]), 0, 0, 0]),
  ]);
}

const NAMELESS = sent([1, 0x40]);
const NAMED = sent([1, 0x2d]);

test("an authority without a name gets one, and nothing else changes", () => {
  assert.deepEqual(new NamelessAuthority().pass(Buffer.from(NAMELESS)), NAMED);
  const other = sent([4, ...ascii("a@b:")]);
  assert.deepEqual(new NamelessAuthority().pass(Buffer.from(other)), other);
  const compressed = sent([0x81, 0x40]);
  assert.deepEqual(new NamelessAuthority().pass(Buffer.from(compressed)), compressed);
});

test("it is the same however the bytes arrive", () => {
  for (const size of [1, 2, 7, 30]) {
    const authority = new NamelessAuthority();
    const passed: Buffer[] = [];
    for (let at = 0; at < NAMELESS.length; at += size) {
      passed.push(authority.pass(Buffer.from(NAMELESS.subarray(at, at + size))));
    }
    assert.deepEqual(Buffer.concat(passed), NAMED);
  }
});

test("damaged headers pass as they are", () => {
  for (const payload of [
    [],
    [0x41],
    [0x41, 0x7f],
    [0x7f, 0xff, 0xff, 0xff],
    [0x41, 9, 0x40],
    [8],
  ]) {
    const bytes = Buffer.concat([PREFACE, frame(1, 4 | 8, payload), SETTINGS]);
    assert.deepEqual(new NamelessAuthority().pass(Buffer.from(bytes)), bytes);
  }
  const long = Buffer.concat([PREFACE, frame(1, 4, Array<number>(20_000).fill(0x83)), SETTINGS]);
  assert.deepEqual(new NamelessAuthority().pass(Buffer.from(long)), long);
});
