import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { PathEscapesRootError } from "./locator-errors.ts";
import {
  findObjectDirectory,
  ObjectDirectoryNotFoundError,
  ObjectDirectoryNotSetError,
  quarantinePrefix,
} from "./object-directory.ts";
import { RepositoryLocator } from "./repository-locator.ts";

/** An empty storage, and what looks up object directories of the repository `group/a.git` in it. */
function setUp(t: TestContext): { root: string; find: (objectDirectory: string) => string } {
  const root = temporaryDirectory(t);
  const locator = new RepositoryLocator(new Map([["default", root]]));
  const repository = locator.place({ storageName: "default", relativePath: "group/a.git" });
  mkdirSync(join(repository.path, "objects"), { recursive: true });
  return { root, find: (directory) => findObjectDirectory(locator, repository, directory) };
}

test("findObjectDirectory finds what lies within the repository", (t) => {
  const { root, find } = setUp(t);
  mkdirSync(join(root, "group/a.git/objects/tmp_objdir-incoming-1"));
  assert.equal(find("objects/"), join(root, "group/a.git/objects"));
  assert.equal(find("./objects/../objects"), join(root, "group/a.git/objects"));
  const incoming = "objects/tmp_objdir-incoming-1";
  assert.equal(find(incoming), join(root, "group/a.git", incoming));
});

test("findObjectDirectory finds quarantines of the repository but not of others", (t) => {
  const { root, find } = setUp(t);
  const own = `+gitaly/tmp/${quarantinePrefix("group/a.git")}123`;
  const foreign = `+gitaly/tmp/${quarantinePrefix("group/b.git")}123`;
  for (const folder of [own, foreign]) mkdirSync(join(root, folder), { recursive: true });
  assert.equal(find(`../../${own}`), join(root, own));
  for (const folder of [foreign, "+gitaly/tmp", "group/b.git/objects", "group/a.gitx"]) {
    assert.throws(() => find(`../../${folder}`), {
      name: PathEscapesRootError.name,
      message: "not a valid relative path: relative path escapes root directory",
    });
  }
});

test("findObjectDirectory finds quarantines of transactions", (t) => {
  const { root, find } = setUp(t);
  mkdirSync(join(root, "state/quarantine/tmp_objdir-incoming-1"), { recursive: true });
  mkdirSync(join(root, "state/quarantine/other"));
  for (const folder of ["state/quarantine", "state/quarantine/tmp_objdir-incoming-1"]) {
    assert.equal(find(`../../${folder}`), join(root, folder));
  }
  assert.throws(() => find("../../state/quarantine/other"), PathEscapesRootError);
});

test("findObjectDirectory refuses what leaves the storage, is missing or not named", (t) => {
  const { root, find } = setUp(t);
  assert.throws(() => find("../../../quarantine"), {
    name: PathEscapesRootError.name,
    message: "not a valid relative path: relative path escapes root directory",
  });
  assert.throws(() => find("objects/missing"), {
    name: ObjectDirectoryNotFoundError.name,
    message: `object directory does not exist: "${root}/group/a.git/objects/missing"`,
  });
  assert.throws(() => find(""), ObjectDirectoryNotSetError);
});

test("quarantinePrefix depends on the relative path alone", () => {
  assert.equal(quarantinePrefix("a/b.git"), quarantinePrefix("a/b.git"));
  assert.match(quarantinePrefix("a/b.git"), /^quarantine-[0-9a-f]{16}-$/);
  assert.equal(quarantinePrefix(""), "quarantine-da39a3ee5e6b4b0d-");
});
