import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { writeFileAtomically } from "./write-file-atomically.ts";

test("writeFileAtomically makes and replaces a file", async (t) => {
  const folder = temporaryDirectory(t);
  const path = join(folder, "a");
  await writeFileAtomically(path, "one");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await writeFileAtomically(path, Buffer.from("two"), 0o644);
  assert.equal(readFileSync(path, "utf8"), "two");
  assert.equal(statSync(path).mode & 0o777, 0o644);
  assert.deepEqual(readdirSync(folder), ["a"]);
});

test("writeFileAtomically leaves nothing when it fails", async (t) => {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, "a/b"), { recursive: true });
  await assert.rejects(writeFileAtomically(join(folder, "a"), "x"), { code: "EISDIR" });
  assert.deepEqual(readdirSync(folder), ["a"]);
});
