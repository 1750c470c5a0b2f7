import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { CorruptObjectError } from "../object/object-error.ts";
import { FilePool, FileVanishedError } from "./file-pool.ts";

test("more files are read than are open at a time", (t) => {
  const directory = temporaryDirectory(t);
  const pool = new FilePool(3);
  const files = Array.from({ length: 10 }, (_, i) => {
    const path = join(directory, `${i}`);
    writeFileSync(path, `content of ${i}`);
    return pool.open(path);
  });
  for (const round of [0, 1]) {
    for (const [i, file] of files.entries()) {
      assert.equal(file.readExactly(round, 11 - round).toString(), "content of ".slice(round));
      assert.equal(file.readExactly(11, 1).toString(), `${i}`);
      assert.ok(pool.descriptors <= 3);
    }
  }
  for (const file of files) file.close();
  assert.equal(pool.descriptors, 0);
});

test("a pinned file stays open, and readable after it was removed", (t) => {
  const path = join(temporaryDirectory(t), "file");
  writeFileSync(path, "pinned");
  const other = `${path}-other`;
  writeFileSync(other, "other");
  const pool = new FilePool(1);
  const file = pool.open(path);
  const unpin = file.pin();
  const otherFile = pool.open(other);
  rmSync(path);
  assert.equal(file.readExactly(0, 6).toString(), "pinned");
  unpin();
  assert.equal(otherFile.readExactly(0, 5).toString(), "other");
  otherFile.close();
  pool.open(other).close();
  file.close();
});

test("a file that was removed or replaced while it was closed has vanished", (t) => {
  const path = join(temporaryDirectory(t), "file");
  writeFileSync(path, "first");
  const pool = new FilePool(1);
  const file = pool.open(path);
  file.suspend();
  writeFileSync(`${path}-new`, "other");
  renameSync(`${path}-new`, path);
  assert.throws(() => file.readExactly(0, 1), FileVanishedError);
  rmSync(path);
  assert.throws(() => file.readExactly(0, 1), FileVanishedError);
  assert.throws(() => pool.open(path), FileVanishedError);
  assert.equal(pool.descriptors, 0);
});

test("reading beyond the end is an error, not fewer bytes", (t) => {
  const path = join(temporaryDirectory(t), "file");
  writeFileSync(path, "short");
  const file = new FilePool(1).open(path);
  t.after(() => file.close());
  assert.throws(() => file.readExactly(0, 6), CorruptObjectError);
  assert.throws(() => file.readExactly(-1, 2), CorruptObjectError);
  assert.throws(() => file.readExactly(2 ** 52, 1), CorruptObjectError);
});
