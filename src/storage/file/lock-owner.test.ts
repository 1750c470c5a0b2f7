import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { leaveLock } from "../../testing/abandoned-lock.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { removeAbandonedLock, stampLock } from "./lock-owner.ts";

/** A process that stamps the file and waits until it is killed. */
const HOLDER = `
  const { openSync } = await import("node:fs");
  const { stampLock } = await import(${JSON.stringify(new URL("./lock-owner.ts", import.meta.url).href)});
  stampLock(openSync(process.argv[1], "wx"));
  console.log("held");
  process.stdin.resume();
`;

suite("owners of locks", () => {
  test("the lock of a process is removed when that was killed, and not before", async (t) => {
    const path = join(temporaryDirectory(t), "ref.lock");
    const child = spawn(process.execPath, ["--input-type=module", "-e", HOLDER, path], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    await once(child.stdout, "data");
    assert.equal(removeAbandonedLock(path), false);
    child.kill("SIGKILL");
    await exited;
    assert.equal(removeAbandonedLock(path), true);
    assert.equal(existsSync(path), false);
    assert.equal(removeAbandonedLock(path), false);
  });

  test("a lock that somebody has read since is nobody's", (t) => {
    const path = join(temporaryDirectory(t), "ref.lock");
    leaveLock(path);
    // As reading it does, where the mount has access times.
    utimesSync(path, new Date(), statSync(path).mtime);
    assert.equal(removeAbandonedLock(path), false);
    assert.equal(existsSync(path), true);
  });

  test("our own locks and those of others stay", (t) => {
    const folder = temporaryDirectory(t);
    const own = join(folder, "own.lock");
    const file = openSync(own, "wx");
    stampLock(file);
    closeSync(file);
    const foreign = join(folder, "foreign.lock");
    writeFileSync(foreign, "");
    for (const path of [own, foreign]) {
      assert.equal(removeAbandonedLock(path), false);
      assert.equal(existsSync(path), true);
    }
  });
});
