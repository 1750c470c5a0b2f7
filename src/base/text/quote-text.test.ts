import assert from "node:assert/strict";
import test from "node:test";
import { quoteText } from "./quote-text.ts";

for (const [text, quoted] of [
  ["", '""'],
  ["plain text", '"plain text"'],
  ['say "hi" \\', '"say \\"hi\\" \\\\"'],
  ["a\tb\nc\x00\x1b\x7f", '"a\\tb\\nc\\x00\\x1b\\x7f"'],
  ["é ☺ 漢", '"é ☺ 漢"'],
  ["\u00a0\u200b\u{e0001}", '"\\u00a0\\u200b\\U000e0001"'],
] as const) {
  test(`quoteText writes ${quoted}`, () => {
    assert.equal(quoteText(text), quoted);
  });
}
