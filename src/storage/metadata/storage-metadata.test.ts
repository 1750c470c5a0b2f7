import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import {
  ensureStorageMetadata,
  METADATA_FILE,
  readFilesystemId,
  StorageMetadataError,
} from "./storage-metadata.ts";

test("a storage is given an id that it keeps", async (t) => {
  const path = temporaryDirectory(t);
  await ensureStorageMetadata(path);
  const id = readFilesystemId(path);
  assert.match(id, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const text = readFileSync(join(path, METADATA_FILE), "utf8");
  assert.equal(text, `{"gitaly_filesystem_id":"${id}"}\n`);
  await ensureStorageMetadata(path);
  assert.equal(readFilesystemId(path), id);
});

test("storages have different ids", async (t) => {
  const [one, other] = [temporaryDirectory(t), temporaryDirectory(t)];
  await ensureStorageMetadata(one);
  await ensureStorageMetadata(other);
  assert.notEqual(readFilesystemId(one), readFilesystemId(other));
});

test("an id that is missing or damaged can't be read", async (t) => {
  const path = temporaryDirectory(t);
  assert.throws(() => readFilesystemId(path), { code: "ENOENT" });
  await assert.rejects(ensureStorageMetadata(join(path, "missing")), { code: "ENOENT" });
  for (const text of ["", "{", "null", '{"gitaly_filesystem_id":1}']) {
    writeFileSync(join(path, METADATA_FILE), text);
    assert.throws(() => readFilesystemId(path), StorageMetadataError);
  }
  writeFileSync(join(path, METADATA_FILE), "{}");
  assert.equal(readFilesystemId(path), "");
});
