import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SpareFolders } from "./spare-folders.ts";

test("a folder is kept and used again", (t) => {
  const root = temporaryFolder(t);
  const place = join(root, "data/spare");
  const spares = new SpareFolders(place);
  const first = join(root, "first");
  spares.make(first);
  const { ino } = statSync(first);
  assert.equal(spares.keep(first), true);
  assert.equal(existsSync(first), false);
  const second = join(root, "second");
  spares.make(second);
  assert.equal(statSync(second).ino, ino);
  assert.deepEqual(readdirSync(place), []);
});

test("a folder that is used again looks new", (t) => {
  const root = temporaryFolder(t);
  const spares = new SpareFolders(join(root, "spare"));
  const path = join(root, "folder");
  spares.make(path);
  utimesSync(path, 1, 1);
  assert.equal(spares.keep(path), true);
  spares.make(path);
  assert.notEqual(statSync(path).mtimeMs, 1000);
});

test("a folder into which somebody has written isn't used again", (t) => {
  const root = temporaryFolder(t);
  const place = join(root, "spare");
  const spares = new SpareFolders(place);
  const path = join(root, "folder");
  spares.make(path);
  assert.equal(spares.keep(path), true);
  const [name = ""] = readdirSync(place);
  writeFileSync(join(place, name, "late"), "");
  spares.make(path);
  assert.deepEqual(readdirSync(path), []);
});

test("folders of a process that has ended are taken over", (t) => {
  const root = temporaryFolder(t);
  const place = join(root, "spare");
  mkdirSync(join(place, "left"), { recursive: true });
  const { ino } = statSync(join(place, "left"));
  const path = join(root, "folder");
  new SpareFolders(place).make(path);
  assert.equal(statSync(path).ino, ino);
});

test("folders that are gone are made anew", (t) => {
  const root = temporaryFolder(t);
  const place = join(root, "spare");
  mkdirSync(join(place, "left"), { recursive: true });
  const [one, other] = [new SpareFolders(place), new SpareFolders(place)];
  one.make(join(root, "one"));
  other.make(join(root, "other"));
  other.make(join(root, "third"));
  assert.deepEqual(readdirSync(root).sort(), ["one", "other", "spare", "third"]);
});

test("not more than 64 are kept", (t) => {
  const root = temporaryFolder(t);
  const spares = new SpareFolders(join(root, "spare"));
  const paths = Array.from({ length: 65 }, (_, index) => join(root, `${index}`));
  for (const path of paths) spares.make(path);
  assert.equal(paths.filter((path) => spares.keep(path)).length, 64);
});

test("what is in the way is told, as is a parent that is missing", (t) => {
  const root = temporaryFolder(t);
  const spares = new SpareFolders(join(root, "spare"));
  assert.throws(() => spares.make(join(root, "missing/folder")), { code: "ENOENT" });
  writeFileSync(join(root, "file"), "");
  assert.throws(() => spares.make(join(root, "file")), { code: "EEXIST" });
});

function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "gitaly-ts-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
