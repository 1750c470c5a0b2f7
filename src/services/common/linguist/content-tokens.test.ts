import assert from "node:assert/strict";
import { test } from "node:test";
import { contentTokens } from "./content-tokens.ts";

test("contentTokens takes words, punctuation and operators, not literals and comments", () => {
  const content = "int a = f(0x1F, 'text') + 12uL; // gone\n/* gone\ntoo */ x.y && z\n";
  assert.deepEqual(contentTokens(content), [
    ...["(", ")", ";"],
    ...["int", "a", "f", "x.y", "z"],
    ...["+", "&&"],
    ...["=", ","],
  ]);
});

test("contentTokens takes tags and attributes apart", () => {
  assert.deepEqual(contentTokens('<a href="b" c><!-- gone --></a>'), [
    ...["<a>", "href=", "c", "</a>"],
  ]);
});

test("contentTokens names the interpreter and reads UTF-8", () => {
  const content = Buffer.from("#!/usr/bin/env ruby\n\u00e4\n").toString("latin1");
  const tokens = ["SHEBANG#!ruby", "#", "/usr/bin/env", "ruby", "!", "\u00e4"];
  assert.deepEqual(contentTokens(content), tokens);
});

test("contentTokens leaves what is never closed as it is", () => {
  assert.deepEqual(contentTokens('"a /* b <c'), ["a", "/*", "b", "c", "<", '"']);
});
