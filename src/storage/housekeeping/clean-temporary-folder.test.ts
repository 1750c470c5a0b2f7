import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { cleanTemporaryFolder } from "./clean-temporary-folder.ts";

const DAY_S = 24 * 60 * 60;

test("what nobody has changed for a week is removed, whatever it is", async (t) => {
  const folder = temporaryDirectory(t);
  const nowS = 1_700_000_000;
  const put = (name: string, ageS: number, make: (path: string) => void): void => {
    const path = join(folder, name);
    make(path);
    utimesSync(path, nowS, nowS - ageS);
  };
  put("old-file", 8 * DAY_S, (path) => writeFileSync(path, ""));
  put("old-folder", 7 * DAY_S, (path) => {
    mkdirSync(join(path, "closed", "inner"), { recursive: true });
    writeFileSync(join(path, "closed", "inner", "file"), "");
    chmodSync(join(path, "closed"), 0);
  });
  put("new-file", 6 * DAY_S, (path) => writeFileSync(path, ""));
  put("new-folder", 0, (path) => mkdirSync(path));
  assert.equal(await cleanTemporaryFolder(folder, nowS * 1000, t.signal), 2);
  assert.deepEqual(readdirSync(folder).sort(), ["new-file", "new-folder"]);
});

test("a storage without temporary files is as clean as can be", async (t) => {
  const folder = join(temporaryDirectory(t), "missing");
  assert.equal(await cleanTemporaryFolder(folder, 0, t.signal), 0);
});
