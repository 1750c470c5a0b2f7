import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { leaveLock } from "../../testing/abandoned-lock.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { acquireLock, LockedError } from "./lock-file.ts";

test("one at a time holds a lock", async (t) => {
  const path = join(temporaryDirectory(t), "file");
  {
    await using _lock = await acquireLock(path);
    assert.equal(existsSync(`${path}.lock`), true);
    await assert.rejects(acquireLock(path), LockedError);
  }
  assert.equal(existsSync(`${path}.lock`), false);
});

test("the lock of a process that was killed is taken over, others aren't", async (t) => {
  const path = join(temporaryDirectory(t), "file");
  leaveLock(`${path}.lock`);
  assert.equal(existsSync(`${path}.lock`), true);
  {
    await using _lock = await acquireLock(path);
    await assert.rejects(acquireLock(path), LockedError);
  }
  writeFileSync(`${path}.lock`, "");
  await assert.rejects(acquireLock(path), LockedError);
});
