import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Base64Decoder, Base64Error } from "./base64-decoder.ts";

/** Decodes text that comes in pieces of one size. */
function decode(text: string, size: number): Buffer {
  const decoder = new Base64Decoder();
  const bytes = Buffer.from(text);
  const decoded: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    decoded.push(decoder.decode(bytes.subarray(start, start + size)));
  }
  return Buffer.concat([...decoded, decoder.end()]);
}

test("Base64Decoder decodes what comes in pieces, with or without line ends", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 5000 }),
      fc.integer({ min: 1, max: 3000 }),
      fc.constantFrom("", "\n", "\r\n"),
      (bytes, size, lineEnd) => {
        const text = Buffer.from(bytes).toString("base64").replace(/.{76}/g, `$&${lineEnd}`);
        assert.deepEqual(decode(text, size), Buffer.from(bytes));
      },
    ),
    { numRuns: 50 },
  );
});

test("Base64Decoder tells where something is wrong as Go's decoder does", () => {
  const block = "QUJD".repeat(256);
  for (const [text, problem] of [
    ["abcd!efg", "illegal base64 data at input byte 4"],
    ["ab cdefg", "illegal base64 data at input byte 2"],
    ["a===", "illegal base64 data at input byte 1"],
    ["=abc", "illegal base64 data at input byte 0"],
    ["ab=c", "illegal base64 data at input byte 2"],
    ["ab==abcd", "illegal base64 data at input byte 4"],
    ["abc=abcd", "illegal base64 data at input byte 4"],
    ["ab\n\n==\nabcd", "illegal base64 data at input byte 4"],
    [`${block}abc!`, "illegal base64 data at input byte 3"],
    ["abcde", "unexpected EOF"],
    ["a", "unexpected EOF"],
  ] as const) {
    for (const size of [1, 7, 5000]) {
      const isProblem = (error: unknown) =>
        error instanceof Base64Error && error.message === problem;
      assert.throws(() => decode(text, size), isProblem, text);
    }
  }
  // Padding ends only what is read at once.
  const padded = `${"QUJD".repeat(255)}QQ==`;
  assert.equal(decode(`${padded}QUJD`, 100).toString(), `${"ABC".repeat(255)}AABC`);
});
