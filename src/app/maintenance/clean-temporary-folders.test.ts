import assert from "node:assert/strict";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { cleanTemporaryFolders } from "./clean-temporary-folders.ts";

test("temporary folders are cleaned again and again until the end", async (t) => {
  const folder = temporaryDirectory(t);
  const storages = ["b", "a", "gone"].map((name) => ({ name, path: join(folder, name) }));
  for (const { path } of storages.slice(0, 2)) mkdirSync(path);
  const leave = (name: string): string => {
    const path = join(folder, name, "leftover");
    writeFileSync(path, "");
    utimesSync(path, 0, 0);
    return path;
  };
  const ending = new AbortController();
  let left = ["a", "b"].map(leave);
  let rounds = 0;
  const locator = { temporaryFolder: (name: string) => join(folder, name) };
  const needs = { locator, storages, logger: silentLogger };
  await cleanTemporaryFolders(needs, ending.signal, async (ms) => {
    rounds += 1;
    assert.equal(ms, 60 * 60_000);
    assert.deepEqual(
      left.filter((path) => existsSync(path)),
      [],
    );
    left = ["b"].map(leave);
    if (rounds === 3) ending.abort();
  });
  assert.equal(rounds, 3);
});
