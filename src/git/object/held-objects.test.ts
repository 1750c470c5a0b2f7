import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import type { Oid } from "../oid/oid.ts";
import { ReaderResources } from "../pack/reader-resources.ts";
import { HeldObjects, heldObjectsOf, isNameHeld, settleObjects } from "./held-objects.ts";
import { ObjectDatabase } from "./object-database.ts";
import { ObjectTooLargeError } from "./object-error.ts";
import { hashObject } from "./object-hash.ts";
import { ObjectSources } from "./object-source.ts";

const CONTENT = Buffer.from("held");
const OID = hashObject("blob", CONTENT, "sha1");

test("readers find what is held as loose objects, until it is dropped", async (t) => {
  const { held, database, settled } = setUp(t);
  assert.equal(database.has(OID), false);
  assert(held.add(OID, "blob", CONTENT));
  assert(database.has(OID));
  assert.equal(database.typeOf(OID), "blob");
  assert.deepEqual(database.header(OID), { type: "blob", size: 4 });
  assert.deepEqual(database.read(OID)?.content, CONTENT);
  assert.deepEqual((await database.load(OID, t.signal))?.content, CONTENT);
  const stream = await database.stream(OID, t.signal);
  assert.deepEqual(await stream?.chunks.next(), { done: false, value: CONTENT });
  assert.deepEqual([...database.oids()], [OID]);
  assert.deepEqual(database.oidsWithPrefix(OID.slice(0, 5)), [OID]);
  assert.throws(() => database.read(OID, 3), ObjectTooLargeError);
  held.delete(OID);
  assert.equal(database.has(OID), false);
  assert.deepEqual([...database.oids()], []);
  assert.deepEqual(settled, [], "nobody has asked for the directory");
});

test("what is held is as it was when it came", (t) => {
  const { held, database } = setUp(t);
  const content = Buffer.from(CONTENT);
  held.add(OID, "blob", content);
  content.fill(0);
  assert.deepEqual(database.read(OID)?.content, CONTENT);
});

test("everything is settled once, and nothing is held afterwards", (t) => {
  const { held, settled } = setUp(t);
  held.add(OID, "blob", CONTENT);
  settleObjects(held.directory);
  settleObjects(held.directory);
  assert.deepEqual(settled, [[OID]]);
  assert.equal(held.add(OID, "blob", CONTENT), false);
  assert.equal(held.objects.size, 0);
});

test("a directory that can't be written may be settled later", (t) => {
  const directory = join(temporaryDirectory(t), "quarantine-2");
  let isFull = true;
  using held = new HeldObjects(directory, () => {
    if (isFull) throw new Error("no space left");
  });
  held.add(OID, "blob", CONTENT);
  assert.throws(() => settleObjects(directory), /no space left/);
  assert(held.objects.has(OID));
  isFull = false;
  settleObjects(directory);
  assert(held.isSettled);
});

test("content and number of what is held have a limit", (t) => {
  const { held } = setUp(t);
  const half = Buffer.alloc(512 * 1024);
  const oids = Array.from({ length: 1001 }, (_, i) =>
    hashObject("blob", Buffer.from(`${i}`), "sha1"),
  );
  const add = (index: number, content: Buffer): boolean =>
    held.add(oids[index] as Oid, "blob", content);
  assert.deepEqual([add(0, half), add(1, half), add(2, CONTENT)], [true, true, false]);
  held.clear();
  const empty = Buffer.alloc(0);
  assert.deepEqual(oids.map((_, index) => add(index, empty)).lastIndexOf(true), 999);
});

test("a directory is known by any spelling of its path, and others with its name aren't it", (t) => {
  const { held, folder } = setUp(t);
  const name = "quarantine-1";
  symlinkSync(folder, join(folder, "link"));
  mkdirSync(join(folder, "other"));
  assert.equal(heldObjectsOf(join(folder, "link", name)), held);
  assert.equal(heldObjectsOf(`${folder}/./${name}`), held);
  assert.equal(heldObjectsOf(join(folder, "other", name)), undefined);
  assert.equal(heldObjectsOf(join(folder, "missing", name)), undefined);
  assert.equal(heldObjectsOf(folder), undefined);
  assert(isNameHeld(join(folder, "other", name)));
  held[Symbol.dispose]();
  assert.equal(heldObjectsOf(held.directory), undefined);
  assert(!isNameHeld(held.directory));
});

/** A directory that is never made, whoever asks for it: `settled` tells what it was asked to hold. */
function setUp(t: TestContext) {
  const folder = temporaryDirectory(t);
  const settled: Oid[][] = [];
  const directory = join(folder, "quarantine-1");
  const held = new HeldObjects(directory, (objects) => settled.push([...objects.keys()]));
  const database = new ObjectDatabase({
    objectDirectory: directory,
    format: "sha1",
    sources: new ObjectSources(new ReaderResources()),
  });
  t.after(() => {
    database.close();
    held[Symbol.dispose]();
    assert(!existsSync(directory));
  });
  return { folder, held, database, settled };
}
