import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import type { ValuePath } from "./config-error.ts";
import { tomlPosition } from "./toml-position.ts";

const DOCUMENT = `# "a" = 1
top = 'literal # no comment' # comment
"quoted key".dotted . bare = 1979-05-27
text = """
array = [1]
end\\""""
list = [ 1, # one
  [ 2, "]" ], {inner = "}", é = 1 },
]

[table]
key = true
[[element]]
name = "first"
[[element]]
name = "second"
[element.sub]
key = 1
[[element.deep]]
x = '''
x = 2
'''
y = 3
`;

const PLACES: readonly (readonly [path: ValuePath, line: number, column: number])[] = [
  [["top"], 2, 7],
  [["quoted key", "dotted", "bare"], 3, 30],
  [["text"], 4, 8],
  [["list"], 7, 8],
  [["list", 0], 7, 10],
  [["list", 1], 8, 3],
  [["list", 1, 1], 8, 8],
  [["list", 2, "inner"], 8, 24],
  [["table"], 11, 2],
  [["table", "key"], 12, 7],
  [["element", 0, "name"], 14, 8],
  [["element", 1, "name"], 16, 8],
  [["element", 1, "sub", "key"], 18, 7],
  [["element", 1, "deep", 0, "y"], 23, 5],
  [["nowhere"], 1, 1],
];

for (const [path, line, column] of PLACES) {
  test(`${path.join(".")} stands at ${line}:${column}`, () => {
    assert.deepEqual(tomlPosition(DOCUMENT, path), { line, column });
  });
}

test("the document of this test is TOML", () => {
  assert.ok("list" in parse(DOCUMENT.replace("é =", '"é" =')));
});

test("columns count bytes", () => {
  assert.deepEqual(tomlPosition('a = ["é", 1]', ["a", 1]), { line: 1, column: 12 });
});

test("the search ends on any text", () => {
  const soup = fc.string({
    unit: fc.constantFrom(...Array.from("[]{}=.,'\"# \n\\aé"), '"""', "'''", "[["),
    maxLength: 60,
  });
  fc.assert(
    fc.property(soup, (text) => {
      const { line, column } = tomlPosition(text, ["a", 0, "b"]);
      return line >= 1 && column >= 1;
    }),
    { numRuns: 2000 },
  );
});
