import assert from "node:assert/strict";
import { test } from "node:test";
import { quoteBytes } from "./quote-bytes.ts";

test("quoteBytes shows text as text and other bytes by their value", () => {
  const cases: [Uint8Array, string][] = [
    [Buffer.from(""), '""'],
    [Buffer.from('a "b" ä ʕ•ᴥ•ʔ'), '"a \\"b\\" ä ʕ•ᴥ•ʔ"'],
    [Buffer.from("a\0\x07\n"), '"a\\x00\\a\\n"'],
    [Buffer.of(0x61, 0xff, 0xc3, 0xa4, 0xc3), '"a\\xffä\\xc3"'],
    [Buffer.of(0xf0, 0x9f, 0x98), '"\\xf0\\x9f\\x98"'],
    [Buffer.from("\ufffd"), '"\ufffd"'],
  ];
  for (const [bytes, quoted] of cases) assert.equal(quoteBytes(bytes), quoted);
});
