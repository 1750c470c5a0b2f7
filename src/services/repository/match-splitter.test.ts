import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type MatchPart, MatchSplitter } from "./match-splitter.ts";

function split(chunks: readonly Buffer[]): MatchPart[] {
  const splitter = new MatchSplitter();
  return [...chunks.flatMap((chunk) => [...splitter.push(chunk)]), ...splitter.end()];
}

/** The matches, and whether all ended. */
function matches(parts: readonly MatchPart[]): string[] {
  const found: string[] = [];
  let current = "";
  for (const part of parts) {
    if ("matchData" in part) current += part.matchData.toString();
    else {
      found.push(current);
      current = "";
    }
  }
  assert.equal(current, "");
  return found;
}

test("MatchSplitter cuts at lines of two dashes", () => {
  const all = ["a\nb\n", "--x\n---\n", "y--\n"];
  assert.deepEqual(matches(split([Buffer.from(all.join("--\n"))])), all);
  assert.deepEqual(split([]), []);
  assert.deepEqual(matches(split([Buffer.from("--\n--\na\n--\n")])), ["", "", "a\n"]);
});

test("MatchSplitter cuts alike however its input is cut", () => {
  const line = fc.constantFrom("--\n", "a\n", "-\n", "\n", "--b\n", "a--\n");
  const inputs = fc.tuple(fc.array(line), fc.array(fc.integer({ min: 1, max: 4 })));
  fc.assert(
    fc.property(inputs, ([lines, lengths]) => {
      const input = Buffer.from(lines.join(""));
      const chunks: Buffer[] = [];
      let start = 0;
      for (const length of lengths) {
        chunks.push(input.subarray(start, start + length));
        start += length;
      }
      chunks.push(input.subarray(start));
      assert.deepEqual(matches(split(chunks)), matches(split([input])));
      const expected: string[] = [];
      let current = "";
      for (const text of lines) {
        if (text === "--\n") {
          expected.push(current);
          current = "";
        } else current += text;
      }
      if (current !== "") expected.push(current);
      assert.deepEqual(matches(split([input])), expected);
    }),
  );
});

test("MatchSplitter cuts long matches into pieces of 128 KiB", () => {
  const input = Buffer.alloc(300_000, "x");
  const sizes = split([input.subarray(0, 5), input.subarray(5), Buffer.from("\n--\ny\n")]).map(
    (part) => ("matchData" in part ? part.matchData.length : "end"),
  );
  assert.deepEqual(sizes, [131_072, 131_072, 300_001 - 2 * 131_072, "end", 2, "end"]);
});
