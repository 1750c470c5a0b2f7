import assert from "node:assert/strict";
import { test } from "node:test";
import { stderrText } from "./stderr-text.ts";

const text = (input: string) => stderrText(Buffer.from(input));

test("what is within the bounds is kept as it is", () => {
  for (const input of ["", "\n", "fatal: x", "fatal: x\n", "a\n\nb\n"]) {
    assert.equal(text(input), input);
  }
});

test("a line is cut at 4,096 bytes, its end is kept", () => {
  const line = "x".repeat(4096);
  assert.equal(text(`${line}yyy\nnext\n`), `${line}\nnext\n`);
  assert.equal(text(`${line}yyy`), line);
});

test("of the cut lines 10,000 bytes are kept", () => {
  const line = "x".repeat(4096);
  assert.equal(text(`${line}y\n`.repeat(5)), `${line}\n${line}\n${"x".repeat(10_000 - 2 * 4097)}`);
  assert.equal(text("a\n".repeat(50_000)), "a\n".repeat(5000));
  assert.equal(text(`${"b".repeat(999)}\n`.repeat(11)), `${"b".repeat(999)}\n`.repeat(10));
});
