import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { leaveLock } from "../../testing/abandoned-lock.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { removeAbandonedLocks } from "./remove-abandoned-locks.ts";

test("locks of processes that were killed are removed, those of others stay", async (t) => {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, "refs/heads/deep"), { recursive: true });
  const abandoned = ["packed-refs.lock", "refs/heads/deep/x.lock", "config.lock"];
  for (const name of abandoned) leaveLock(join(folder, name));
  writeFileSync(join(folder, "HEAD.lock"), "");
  writeFileSync(join(folder, "refs/heads/main.lock"), "");
  assert.equal(await removeAbandonedLocks(folder, t.signal), abandoned.length);
  assert.deepEqual(
    [...abandoned, "HEAD.lock", "refs/heads/main.lock"].filter((name) =>
      existsSync(join(folder, name)),
    ),
    ["HEAD.lock", "refs/heads/main.lock"],
  );
});
