import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { NO_OBJECT_STORAGE, startObjectStorage } from "../../testing/object-storage.ts";
import { openBundleStore } from "./open-bundle-store.ts";

const { signal } = new AbortController();

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test("openBundleStore keeps bundles in a folder and signs URLs for them", async (t) => {
  const folder = temporaryDirectory(t);
  const key = join(folder, "key");
  writeFileSync(key, "secret");
  const url = new URL(`file://${folder}/deep/er`);
  url.search = String(
    new URLSearchParams({
      create_dir: "1",
      no_tmp_dir: "1",
      base_url: "http://h/b",
      secret_key_path: key,
    }),
  );
  const store = openBundleStore(url.href, {});
  const path = "storage/a.git/uri/default.bundle";
  assert.equal(await store.exists(path, signal), false);
  await store.write(path, pieces("one ", "two"), signal);
  assert.equal(await store.exists(path, signal), true);
  assert.equal(await store.exists("storage/a.git", signal), false);

  const file = join(folder, "deep/er", path);
  assert.equal(readFileSync(file, "utf8"), "one two");
  assert.deepEqual(JSON.parse(readFileSync(`${file}.attrs`, "utf8")), {
    "user.cache_control": "no-store, no-transform",
    "user.content_disposition": "",
    "user.content_encoding": "",
    "user.content_language": "",
    "user.content_type": "application/octet-stream",
    "user.metadata": null,
    md5: createHash("md5").update("one two").digest("base64"),
  });

  const before = Math.floor(Date.now() / 1000);
  const signed = new URL(await store.signedUrl(path, 600_000, signal));
  assert.equal(signed.origin + signed.pathname, "http://h/b");
  assert.equal(signed.searchParams.get("obj"), path);
  assert.ok(Number(signed.searchParams.get("expiry")) >= before + 600);
});

test("openBundleStore keeps nothing of a bundle that could not be made", async (t) => {
  const folder = temporaryDirectory(t);
  const store = openBundleStore(`file://${folder}?metadata=skip`, {});
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield* pieces("begun");
    throw new Error("git has failed");
  };
  await store.write("a/b", pieces("old"), signal);
  await assert.rejects(store.write("a/b", failing(), signal), /git has failed/);
  assert.deepEqual(readdirSync(join(folder, "a")), ["b"]);
  assert.equal(readFileSync(join(folder, "a/b"), "utf8"), "old");
  await assert.rejects(
    store.signedUrl("a/b", 1, signal),
    /bucket does not have an Options\.URLSigner/,
  );
});

test("openBundleStore keeps bundles in an object storage", {
  skip: NO_OBJECT_STORAGE,
}, async (t) => {
  const { url } = await startObjectStorage(t);
  const store = openBundleStore(url, process.env);
  const path = "storage/a b.git/uri/default.bundle";
  assert.equal(await store.exists(path, signal), false);
  await store.write(path, pieces("one ", "two"), signal);
  assert.equal(await store.exists(path, signal), true);
  const signed = await store.signedUrl(path, 600_000, signal);
  assert.equal(new URL(signed).searchParams.get("X-Amz-Expires"), "600");
  assert.equal(await (await fetch(signed)).text(), "one two");
});

test("openBundleStore doesn't leave its folder", async (t) => {
  const folder = temporaryDirectory(t);
  const store = openBundleStore(`file://${folder}/in?create_dir=1&metadata=skip`, {});
  await store.write("../out/x", pieces("x"), signal);
  assert.deepEqual(readdirSync(folder), ["in"]);
  assert.equal(await store.exists("../out/x", signal), true);
});

test("openBundleStore refuses what is no place", (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, "file"), "");
  const file = `file://${folder}`;
  const both =
    "fileblob.OpenBucket: must supply both base_url and secret_key_path query parameters";
  const cases = {
    [folder]: `open blob.Bucket: no scheme in URL "${folder}"`,
    "foo://x":
      'open blob.Bucket: no driver registered for "foo" for URL "foo://x"; ' +
      "available schemes: azblob, file, gs, mem, s3",
    [`${file}/none`]: `stat ${folder}/none: no such file or directory`,
    [`${file}/file`]: `${folder}/file is not a directory`,
    [`${file}?x=1`]: `open bucket ${file}?x=1: invalid query parameter "x"`,
    [`${file}?base_url=http://a`]: `open bucket ${file}?base_url=http://a: ${both}`,
    [`${file}?metadata=x`]: `open bucket ${file}?metadata=x: fileblob.OpenBucket: unsupported value for query parameter 'metadata'`,
    [`${file}?base_url=b&secret_key_path=${folder}/file`]: `open bucket ${file}?base_url=b&secret_key_path=${folder}/file: ${folder}/file: the key is empty`,
    [`${file}?base_url=b&secret_key_path=${folder}/none`]: `open bucket ${file}?base_url=b&secret_key_path=${folder}/none: open ${folder}/none: no such file or directory`,
  };
  const unknown = "s3://bucket?region=r&x=1";
  const s3 = { [unknown]: `open bucket ${unknown}: unknown query parameter "x"` };
  for (const [url, message] of Object.entries({ ...cases, ...s3 })) {
    assert.throws(() => openBundleStore(url, {}), {
      message: `create bundle-URI sink: open bucket: ${message}`,
    });
  }
});
