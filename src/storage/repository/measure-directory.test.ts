import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { measureDirectory } from "./measure-directory.ts";

test("measureDirectory adds up files at every depth, whatever bytes their names have", async (t) => {
  const path = join(temporaryDirectory(t), "ä");
  mkdirSync(join(path, "one/two/three"), { recursive: true });
  writeFileSync(join(path, "a"), "x".repeat(1));
  writeFileSync(join(path, "one/b"), "x".repeat(20));
  writeFileSync(join(path, "one/two/three/ö"), "x".repeat(300));
  const folder = Buffer.concat([Buffer.from(`${path}/one/`), Buffer.of(0xff)]);
  mkdirSync(folder);
  writeFileSync(Buffer.concat([folder, Buffer.from("/"), Buffer.of(0xfe)]), "x".repeat(4000));
  assert.equal(await measureDirectory(path, t.signal), 4321);
});

test("measureDirectory doesn't follow symbolic links and takes a missing directory for empty", async (t) => {
  const path = temporaryDirectory(t);
  symlinkSync("/dev", join(path, "link"));
  assert.equal(await measureDirectory(path, t.signal), "/dev".length);
  assert.equal(await measureDirectory(join(path, "missing"), t.signal), 0);
});

test("measureDirectory stops when nobody waits for it any more", async (t) => {
  const path = temporaryDirectory(t);
  for (let index = 0; index < 1000; index++) writeFileSync(join(path, String(index)), "");
  await assert.rejects(measureDirectory(path, AbortSignal.abort(new Error("gone"))), /gone/);
});
