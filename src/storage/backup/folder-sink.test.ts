import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { BlobMissingError, findLatestBlob, writeUnlessEmpty } from "./backup-sink.ts";
import { FolderSink } from "./folder-sink.ts";

test("a folder gives back what was stored in it", async (t) => {
  const root = join(temporaryDirectory(t), "new");
  const sink = new FolderSink(root);
  await sink.write("a/b.txt", pieces("one", "two"), t.signal);
  assert.equal(await read(sink, "a/b.txt", t.signal), "onetwo");
  assert.equal(readFileSync(join(root, "a/b.txt"), "utf8"), "onetwo");
  await sink.write("a/b.txt", pieces("three"), t.signal);
  assert.equal(await read(sink, "a/b.txt", t.signal), "three");
});

test("a folder keeps names from leading out of it", async (t) => {
  const root = temporaryDirectory(t);
  const sink = new FolderSink(join(root, "inside"));
  for (const path of ["../out", "a/../../out", "a//b", "/z", "a/"]) {
    await sink.write(path, pieces(path), t.signal);
    assert.equal(await read(sink, path, t.signal), path);
  }
  assert.deepEqual(readdirSync(root), ["inside"]);
  assert.ok(existsSync(join(root, "inside", "..__0x2f__out")));
});

test("a folder shows nothing of what was stored in part", async (t) => {
  const root = temporaryDirectory(t);
  const sink = new FolderSink(root);
  await assert.rejects(sink.write("a", broken(), t.signal), /broken/);
  assert.deepEqual(readdirSync(root), []);
  await assert.rejects(read(sink, "a", t.signal), BlobMissingError);
  const aborted = AbortSignal.abort(new Error("aborted"));
  await assert.rejects(sink.write("b", pieces("b"), aborted), /aborted/);
  assert.deepEqual(readdirSync(root), []);
});

test("nothing is stored when there is nothing to store", async (t) => {
  const root = temporaryDirectory(t);
  const sink = new FolderSink(root);
  await writeUnlessEmpty(sink, "none", pieces(), t.signal);
  await writeUnlessEmpty(sink, "some", pieces("a", "b"), t.signal);
  assert.deepEqual(readdirSync(root), ["some"]);
  assert.equal(await read(sink, "some", t.signal), "ab");
});

test("the latest blob of a folder is the one that was written last", async (t) => {
  const folder = temporaryDirectory(t);
  const sink = new FolderSink(folder);
  assert.equal(await findLatestBlob(sink, "ids", t.signal), undefined);
  for (const [age, id] of ["a", "c", "b"].entries()) {
    await sink.write(`ids/${id}`, pieces(), t.signal);
    // Files written one after the other may have the same time.
    const seconds = Date.now() / 1000 - 60 * age;
    utimesSync(join(folder, "ids", id), seconds, seconds);
  }
  await sink.write("ids.other/z", pieces(), t.signal);
  assert.equal((await findLatestBlob(sink, "ids", t.signal))?.path, "ids/a");
});

async function read(sink: FolderSink, path: string, signal: AbortSignal): Promise<string> {
  const found: Uint8Array[] = [];
  for await (const piece of sink.read(path, signal)) found.push(piece);
  return Buffer.concat(found).toString();
}

test("a sink in a folder that nobody can make fails", async (t) => {
  const sink = new FolderSink("/proc/backups/of/a");
  const writing = sink.write("b", pieces("x"), t.signal);
  await assert.rejects(writing, { syscall: "mkdir" });
});

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const text of texts) yield Buffer.from(text);
}

async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from("part");
  throw new Error("broken");
}
