import assert from "node:assert/strict";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { fileSystemType } from "./file-system-type.ts";

test("fileSystemType names the file system of a path", (t) => {
  assert.equal(fileSystemType("/proc"), "PROC");
  assert.equal(fileSystemType("/sys"), "SYSFS");
  assert.equal(fileSystemType(`${temporaryDirectory(t)}/missing`), "unknown");
});
