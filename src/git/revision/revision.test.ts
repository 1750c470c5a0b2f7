import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidRevisionError, parseRevision, type RevisionFormat } from "./revision.ts";

const ACCEPTED: readonly [string, RevisionFormat?][] = [
  ["foo/bar"],
  ["foo-bar"],
  ["HEAD~3^{tree}"],
  ["refs/heads/\xff"],
  ["@{upstream}"],
  ["", { empty: true }],
  ["HEAD:a path/with\nall\\of:it", { path: true }],
  [":path", { empty: true, path: true }],
  ["--all", { pseudo: true }],
  ["--not", { pseudo: true }],
  ["--branches", { pseudo: true }],
  ["--tags", { pseudo: true }],
  ["--alternate-refs", { pseudo: true }],
  ["--branches=a b", { pseudo: true }],
  ["--tags=", { pseudo: true }],
  ["--glob=\\*", { pseudo: true }],
];

const REFUSED: readonly [string, string, RevisionFormat?][] = [
  ["", "empty revision"],
  [":path", "empty revision", { path: true }],
  ["-foo", "revision can't start with '-'"],
  ["--all", "revision can't start with '-'"],
  ["--remotes", "revision can't start with '-'", { pseudo: true }],
  ["--globx", "revision can't start with '-'", { pseudo: true }],
  ["a b", "revision can't contain whitespace"],
  ["a\tb", "revision can't contain whitespace"],
  ["a\nb", "revision can't contain whitespace"],
  ["a\rb", "revision can't contain whitespace"],
  ["a b:path", "revision can't contain whitespace", { path: true }],
  ["a:b", "revision can't contain ':'"],
  ["a\\b", "revision can't contain '\\'"],
  ["a\0b c", "revision can't contain NUL"],
  ["a:\0", "revision can't contain NUL", { path: true }],
];

test("parseRevision accepts what Gitaly accepts", () => {
  for (const [text, format] of ACCEPTED) {
    assert.equal(parseRevision(text, format), text);
    assert.equal(parseRevision(Buffer.from(text, "latin1"), format), text);
  }
});

test("parseRevision refuses with Gitaly's words", () => {
  for (const [text, message, format] of REFUSED) {
    const expected = { name: InvalidRevisionError.name, kind: "invalid-argument", message };
    assert.throws(() => parseRevision(text, format), expected);
  }
});
