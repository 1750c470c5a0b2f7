import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRepositoryPath } from "./repository-path.ts";

test("parseRepositoryPath completes good names", () => {
  for (const [path, relativePath] of [
    ["/project.git", "project.git"],
    ["project", "project.git"],
    ["/group/sub-group/my.project.git/", "group/sub-group/my.project.git"],
    ["/größe/プロジェクト.git", "größe/プロジェクト.git"],
  ] as const) {
    assert.deepEqual(parseRepositoryPath("s", path), { storageName: "s", relativePath });
  }
});

test("parseRepositoryPath refuses what could name something else", () => {
  for (const path of [
    "",
    "/",
    "/..",
    "/../etc",
    "/a/../b",
    "/a//b",
    "/.git",
    "/-rf",
    "/a/-b",
    "/+gitaly/tmp/x",
    "/a.git/objects",
    "/a.git.lock",
    "/a\0b",
    "/a b",
    "/a\\b",
    "/a\nb",
    `/${"a".repeat(2000)}`,
  ]) {
    assert.equal(parseRepositoryPath("s", path), undefined, JSON.stringify(path));
  }
});
