import assert from "node:assert/strict";
import { test } from "node:test";
import { HiddenRefs } from "./hidden-refs.ts";

test("a hidden reference hides what is below it", () => {
  const hidden = new HiddenRefs(["refs/keep-around/", "refs/tmp", "HEAD"]);
  for (const name of [
    "refs/keep-around/1",
    "refs/keep-around",
    "refs/tmp/a/b",
    "refs/tmp",
    "HEAD",
  ]) {
    assert.equal(hidden.isHidden(name), true, name);
  }
  for (const name of ["refs/keep", "refs/tmpx", "refs/heads/refs/tmp", "refs", "HEADS"]) {
    assert.equal(hidden.isHidden(name), false, name);
  }
});

test("the last value that matches decides", () => {
  const shown = new HiddenRefs(["refs/a", "!refs/a/b", "refs/a/b/c"]);
  assert.equal(shown.isHidden("refs/a/x"), true);
  assert.equal(shown.isHidden("refs/a/b"), false);
  assert.equal(shown.isHidden("refs/a/b/c/d"), true);
  assert.equal(new HiddenRefs(["!refs/a", "refs/a"]).isHidden("refs/a"), true);
});

test("a caret compares with the full name", () => {
  const hidden = new HiddenRefs(["^refs/namespaces/x/refs/heads/a", "refs/heads/b"]);
  assert.equal(hidden.isHidden("refs/heads/a", "refs/namespaces/x/refs/heads/a"), true);
  assert.equal(hidden.isHidden("refs/heads/b", "refs/namespaces/x/refs/heads/b"), true);
  assert.equal(hidden.isHidden(undefined, "refs/heads/b"), false);
  const except = new HiddenRefs(["refs", "!^refs/namespaces/x/refs/heads/a"]);
  assert.equal(except.isHidden("refs/heads/a", "refs/namespaces/x/refs/heads/a"), false);
  assert.equal(except.isHidden("refs/heads/a"), true);
});
