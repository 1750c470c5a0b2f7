import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRevisionSyntax } from "./revision-syntax.ts";

test("a revision is a name, steps and a path", () => {
  assert.deepEqual(parseRevisionSyntax("main~3^2^{tree}:dir/a:b"), {
    name: "main",
    context: "committish",
    steps: [
      { kind: "ancestor", count: 3 },
      { kind: "parent", number: 2 },
      { kind: "peel", target: "tree" },
    ],
    path: "dir/a:b",
  });
});

test("steps have their defaults and limits", () => {
  const steps = (text: string): unknown => parseRevisionSyntax(text)?.steps;
  assert.deepEqual(steps("a^"), [{ kind: "parent", number: 1 }]);
  assert.deepEqual(steps("a~"), [{ kind: "ancestor", count: 1 }]);
  assert.deepEqual(steps("a^0"), [{ kind: "parent", number: 0 }]);
  assert.deepEqual(steps("a^{}"), [{ kind: "peel", target: "" }]);
  assert.deepEqual(steps("a~2147483648"), [{ kind: "impossible" }]);
  assert.equal(parseRevisionSyntax(`a${"^".repeat(100_000)}`)?.steps.length, 100_000);
});

test("what git doesn't take for a step belongs to the name", () => {
  for (const text of ["a^{foo}", "a^{", "{}", "a}", "a^{x:y}"]) {
    assert.deepEqual(parseRevisionSyntax(text), {
      name: text,
      context: undefined,
      steps: [],
      path: undefined,
    });
  }
  assert.deepEqual(parseRevisionSyntax("a^{tree}x}")?.steps, [{ kind: "peel", target: "tree" }]);
});

test("the first step or the path says what an abbreviated id is", () => {
  const context = (text: string): unknown => parseRevisionSyntax(text)?.context;
  assert.equal(context("abcd"), undefined);
  assert.equal(context("abcd:a"), "treeish");
  assert.equal(context("abcd^{tree}"), "treeish");
  assert.equal(context("abcd~1^{tree}"), "committish");
  assert.equal(context("abcd^{commit}"), "committish");
  assert.equal(context("abcd^{blob}"), "any");
  assert.equal(context("abcd^{}:a"), "any");
});

test("what only git can answer is told apart", () => {
  const reflogs = ["@{1}", "main@{yesterday}", "main@{u}", "@{-1}", "@{push}:a", "a:b@{1}"];
  const searches = [":/text", "main^{/text}", "main^{/a:b}", ":a", ":0:a", "main:./a", "main:../a"];
  const sets = ["a..b", "a...b", "^a", "a^@", "a^!", "a^-", "a^-1", "--all", "--not"];
  for (const text of [...reflogs, ...searches, ...sets]) {
    assert.equal(parseRevisionSyntax(text), undefined, text);
  }
});
