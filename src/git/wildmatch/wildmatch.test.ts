import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compileWildmatch,
  hasWildcard,
  literalPrefix,
  type WildmatchOptions,
} from "./wildmatch.ts";

type Case = readonly [pattern: string, text: string, matches: boolean];

const PLAIN: readonly Case[] = [
  ["", "", true],
  ["", "a", false],
  ["a", "", false],
  ["foo", "foo", true],
  ["foo", "foobar", false],
  ["???", "foo", true],
  ["??", "foo", false],
  ["*", "", true],
  ["*", "a/b", true],
  ["f*", "foo/bar", true],
  ["*f", "foo", false],
  ["*ob*a*r*", "foobar", true],
  ["a?b", "a/b", true],
  ["\\*", "*", true],
  ["\\*", "a", false],
  ["a\\", "a\\", false],
  ["*[al]?", "ball", true],
  ["[ten]", "ten", false],
  ["t[a-g]n", "ten", true],
  ["t[!a-g]n", "ten", false],
  ["t[^a-g]n", "ton", true],
  ["a[]]b", "a]b", true],
  ["a[]-]b", "a-b", true],
  ["a[]a-]b", "aab", true],
  ["]", "]", true],
  ["[!]a-]", "b", true],
  ["[\\-_]", "-", true],
  ["[,-.]", "-", true],
  ["[a", "a", false],
  ["[[:alpha:]][[:digit:]][[:upper:]]", "a1B", true],
  ["[[:digit:][:upper:][:space:]]", "A", true],
  ["[[:digit:][:upper:][:spaci:]]", "A", false],
  ["[[:xdigit:]]", "g", false],
  ["[[:space:]]", "\v", false],
  ["[a-c[:digit:]x-z]", "5", true],
  ["[[:ab]", ":", true],
  ["\xe4*", "\xe4\xff", true],
];

const PATHNAME: readonly Case[] = [
  ["*", "a/b", false],
  ["foo*", "foo/bar", false],
  ["foo/*", "foo/bar", true],
  ["foo/*", "foo/bar/baz", false],
  ["a?b", "a/b", false],
  ["a[/]b", "a/b", false],
  ["a[!x]b", "a/b", false],
  ["**", "a/b", true],
  ["foo/**", "foo/a/b", true],
  ["foo/**", "foo", false],
  ["**/foo", "foo", true],
  ["**/foo", "a/b/foo", true],
  ["foo/**/bar", "foo/bar", true],
  ["foo/**/bar", "foo/a/b/bar", true],
  ["foo/**/**/bar", "foo/bar", true],
  ["foo**bar", "foo/bar", false],
  ["foo**bar", "fooxbar", true],
  ["foo**/bar", "foo/a/bar", false],
  ["**/", "a/", true],
  ["**/", "a", false],
  ["*/*/*", "a/b/c", true],
  ["*/*/*", "a/b", false],
  ["**/b*/**", "a/bc/d", true],
];

const CASE_FOLD: readonly Case[] = [
  ["FOO", "foo", true],
  ["foo", "FOO", true],
  ["[A-Z]", "a", true],
  ["[a-z]", "A", true],
  ["[[:upper:]]", "a", true],
  ["[A]", "a", false],
  ["\\A", "a", false],
  ["\xc4", "\xe4", false],
];

function check(cases: readonly Case[], options: WildmatchOptions): void {
  for (const [pattern, text, matches] of cases) {
    const what = JSON.stringify({ pattern, text, ...options });
    assert.equal(compileWildmatch(pattern, options)(text), matches, what);
  }
}

test("a star matches everything unless the pattern is for paths", () => check(PLAIN, {}));

test("in a pattern for paths only two stars match a slash", () => {
  check(PATHNAME, { pathname: true });
});

test("case is ignored as git ignores it", () => check(CASE_FOLD, { caseFold: true }));

test("a pattern that would make a matcher try again and again is answered", () => {
  const pathname = { pathname: true };
  assert.equal(compileWildmatch("**/a/".repeat(300), pathname)("a/".repeat(600)), true);
  assert.equal(compileWildmatch(`${"**/".repeat(3_000)}b`, pathname)("a/".repeat(300)), false);
  assert.equal(compileWildmatch(`${"*a".repeat(500)}b`)("a".repeat(2_000)), false);
});

test("literalPrefix is what every match starts with", () => {
  assert.equal(literalPrefix("refs/heads/m*n"), "refs/heads/m");
  assert.equal(literalPrefix("refs/heads/\\m"), "refs/heads/");
  assert.equal(literalPrefix("refs/heads/main"), "refs/heads/main");
  assert.equal(hasWildcard("refs/heads/main"), false);
  for (const pattern of ["a?", "a*", "a[", "a\\"]) assert.equal(hasWildcard(pattern), true);
});
