import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { jsonProblem } from "./json-problem.ts";

suite("jsonProblem", () => {
  test("finds nothing wrong with JSON", () => {
    fc.assert(fc.property(fc.json(), (text) => jsonProblem(text) === undefined));
  });

  for (const [text, problem] of [
    ["", "unexpected end of JSON input"],
    ['[{"a": 1', "unexpected end of JSON input"],
    ['"a', "unexpected end of JSON input"],
    ["x", "invalid character 'x' looking for beginning of value"],
    ["[1,]", "invalid character ']' looking for beginning of value"],
    ["file", "invalid character 'i' in literal false (expecting 'a')"],
    ["nul", "invalid character ' ' in literal null (expecting 'l')"],
    ["-x", "invalid character 'x' in numeric literal"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal"],
    ["1e", "invalid character ' ' in exponent of numeric literal"],
    ["01", "invalid character '1' after top-level value"],
    ["[1 2]", "invalid character '2' after array element"],
    ["{1", "invalid character '1' looking for beginning of object key string"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 2}', "invalid character '2' after object key:value pair"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['"a\\x"', "invalid character 'x' in string escape code"],
    ['"a\\u12g"', "invalid character 'g' in \\u hexadecimal character escape"],
    ["'", "invalid character '\\'' looking for beginning of value"],
    ["\x00", "invalid character '\\x00' looking for beginning of value"],
    ["\x80", "invalid character '\\u0080' looking for beginning of value"],
    ["é", "invalid character 'é' looking for beginning of value"],
  ] as const) {
    test(`tells what is wrong with ${JSON.stringify(text)}`, () => {
      assert.equal(jsonProblem(text), problem);
    });
  }

  test("is no deeper in trouble in deep nesting", () => {
    assert.equal(jsonProblem("[".repeat(1_000_000)), "unexpected end of JSON input");
  });
});
