import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRefName, type RefName } from "./ref-name.ts";
import { parseRefSortKey, type RefSortKey, sortRefs } from "./sort-refs.ts";
import { versionCompare } from "./version-compare.ts";

const VERSIONS = "v1 v1.0 v1.0-rc1 v1.0-rc2 v1.0-rc10 v1.1 v1.9 v1.10 v1.09 v1.010 v2 v10".split(
  " ",
);

test("versionCompare orders numbers as numbers", () => {
  const sorted = "v1 v1.010 v1.09 v1.0 v1.0-rc1 v1.0-rc2 v1.0-rc10 v1.1 v1.9 v1.10 v2 v10".split(
    " ",
  );
  assert.deepEqual(VERSIONS.toSorted(versionCompare), sorted);
  assert.deepEqual(VERSIONS.toReversed().toSorted(versionCompare), sorted);
});

test("versionCompare puts suffixes before the version without, in their order", () => {
  const names = ["v1", "v1-rc1", "v1-pre2", "v1-pre1", "v1-rc2", "v1.1", "v1-post"];
  const compare = (one: string, other: string): number =>
    versionCompare(one, other, ["-pre", "-rc", "-post"]);
  const sorted = ["v1-pre1", "v1-pre2", "v1-rc1", "v1-rc2", "v1-post", "v1", "v1.1"];
  assert.deepEqual(names.toSorted(compare), sorted);
});

test("parseRefSortKey knows the keys that services take", () => {
  assert.deepEqual(parseRefSortKey("-committerdate"), {
    field: "committerdate",
    isDescending: true,
  });
  assert.deepEqual(parseRefSortKey("v:refname"), { field: "version:refname", isDescending: false });
  for (const text of ["", "-", "--refname", "toString", "*committerdate", "size"]) {
    assert.equal(parseRefSortKey(text), undefined, text);
  }
});

test("sortRefs orders by each key and at last by name, which is never turned round", () => {
  const dates: Readonly<Record<string, number>> = { "refs/b": 2, "refs/a": 2, "refs/c": 1 };
  const refs = ["refs/b", "refs/c", "refs/d", "refs/a"].map((name) => ({ name: nameOf(name) }));
  const order = (...texts: string[]): string[] => {
    const keys = texts.map(keyOf);
    return sortRefs(refs, { keys, readDate: ({ name }) => dates[name] }).map(({ name }) => name);
  };
  assert.deepEqual(order("committerdate"), ["refs/d", "refs/c", "refs/a", "refs/b"]);
  assert.deepEqual(order("-committerdate"), ["refs/a", "refs/b", "refs/c", "refs/d"]);
  assert.deepEqual(order("-committerdate", "-refname"), ["refs/b", "refs/a", "refs/c", "refs/d"]);
  assert.deepEqual(order("-refname"), ["refs/d", "refs/c", "refs/b", "refs/a"]);
  assert.deepEqual(order(), ["refs/a", "refs/b", "refs/c", "refs/d"]);
});

function keyOf(text: string): RefSortKey {
  const key = parseRefSortKey(text);
  assert.ok(key !== undefined);
  return key;
}

function nameOf(text: string): RefName {
  const name = parseRefName(text);
  assert.ok(name !== undefined);
  return name;
}
