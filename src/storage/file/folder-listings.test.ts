import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { FolderListings } from "./folder-listings.ts";

test("a folder is listed once, and tells what is in it at any depth", (t) => {
  const folder = temporaryDirectory(t);
  const root = binaryFromText(folder);
  mkdirSync(join(folder, "a/b"), { recursive: true });
  writeFileSync(join(folder, "a/b/file"), "");
  symlinkSync("elsewhere", join(folder, "link"));
  const listings = new FolderListings();
  assert.ok(listings.has(root, "a/b/file"));
  assert.ok(listings.has(root, "a/b"));
  assert.ok(!listings.has(root, "a/c/file"));
  assert.ok(!listings.has(root, "b"));
  assert.ok(listings.has(root, "link/file"), "what a link leads to isn't known");
  writeFileSync(join(folder, "a/later"), "");
  assert.ok(!listings.has(root, "a/later"));
  assert.ok(new FolderListings().has(root, "a/later"));
  assert.deepEqual(listings.list(`${root}/missing`), []);
});
