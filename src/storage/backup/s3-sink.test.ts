import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { NO_OBJECT_STORAGE, startObjectStorage } from "../../testing/object-storage.ts";
import type { ObjectStore, StoredBlob } from "./backup-sink.ts";
import { openObjectStore } from "./open-sink.ts";

const skip = NO_OBJECT_STORAGE ?? false;
const { signal } = new AbortController();
/** What the storage sends and takes at a time. */
const PART_BYTES = 5 << 20;

test("an S3 bucket keeps blobs of any size and name", { skip }, async (t) => {
  const { sink } = await setUp(t);
  const odd = "a/../\u0001 ü+&%2f";
  for (const [path, size] of [
    ["a/empty", 0],
    ["a/b/small", 7],
    [odd, 3],
  ] as const) {
    await sink.write(path, pieces(size, 1), signal);
    assert.equal((await contentOf(sink, path)).length, size);
  }
  const paths = (await blobsBelow(sink, "a")).map(({ path }) => path);
  assert.deepEqual(paths.sort(), [odd, "a/b/small", "a/empty"]);
  assert.deepEqual(await blobsBelow(sink, "b"), []);
  assert.deepEqual(
    [await sink.exists("a/empty", signal), await sink.exists("a", signal)],
    [true, false],
  );
});

test("an S3 bucket takes a large blob in parts", { skip }, async (t) => {
  const { sink } = await setUp(t);
  const size = PART_BYTES + 1;
  await sink.write("large", pieces(size, 100_000), signal);
  const content = await contentOf(sink, "large");
  assert.equal(content.length, Math.ceil(size / 100_000) * 100_000);
  for (const index of [0, 100_000, 5_200_000]) assert.equal(content[index], index / 100_000);
});

test("an S3 bucket has nothing of a blob that wasn't written to its end", { skip }, async (t) => {
  const { sink, folder } = await setUp(t);
  const failure = new Error("no more");
  for (const size of [2, 2 * PART_BYTES]) {
    const failing = sink.write(
      "failed",
      pieces(size, size / 2, () => {
        throw failure;
      }),
      signal,
    );
    await assert.rejects(failing, failure);
    const controller = new AbortController();
    const cut = pieces(size, size / 2, () => controller.abort(failure));
    await assert.rejects(sink.write("cut", cut, controller.signal), failure);
  }
  assert.deepEqual(readdirSync(folder), []);
});

test("reading from an S3 bucket ends when it is aborted", { skip }, async (t) => {
  const { sink } = await setUp(t);
  await sink.write("large", pieces(PART_BYTES, PART_BYTES), signal);
  const controller = new AbortController();
  const reading = (async () => {
    for await (const _ of sink.read("large", controller.signal)) controller.abort();
  })();
  await assert.rejects(reading, { name: "AbortError" });
});

test("a signed URL of an S3 bucket is for whoever knows it", { skip }, async (t) => {
  const { sink } = await setUp(t);
  await sink.write("a/b", pieces(4, 4), signal);
  const url = await sink.signedUrl("a/b", 60_000, signal);
  assert.match(url, /X-Amz-Expires=60&/);
  assert.equal((await (await fetch(url)).arrayBuffer()).byteLength, 4);
  assert.equal((await fetch(url.replace("a/b", "a/c"))).status, 403);
});

test("a prefix keeps the blobs of a bucket apart", { skip }, async (t) => {
  const { sink, url } = await setUp(t);
  const prefixed = open(`${url}&prefix=p/`);
  await prefixed.write("a/b", pieces(1, 1), signal);
  assert.deepEqual(
    (await blobsBelow(prefixed, "a")).map(({ path }) => path),
    ["a/b"],
  );
  assert.equal(await sink.exists("p/a/b", signal), true);
});

test("an S3 bucket tells what isn't there and what it refuses", { skip }, async (t) => {
  const { sink, url } = await setUp(t);
  const missing = { message: 'sink: new reader for "a/b": doesn\'t exist' };
  await assert.rejects(contentOf(sink, "a/b"), missing);
  const other = open(url.replace("backups", "other"));
  await assert.rejects(contentOf(other, "a/b"), missing);
  const noBucket =
    /^blob \(key "a"\) \(code=NotFound\): operation error S3: PutObject, .* NoSuchBucket/;
  await assert.rejects(other.write("a", pieces(1, 1), signal), { message: noBucket });
  process.env["AWS_SECRET_ACCESS_KEY"] = "wrong";
  const refused = /\(code=Unknown\): operation error S3: ListObjectsV2, .* SignatureDoesNotMatch/;
  await assert.rejects(blobsBelow(open(url), "a"), { message: refused });
});

function open(url: string): ObjectStore {
  const store = openObjectStore(url, { environment: {}, bufferBytes: PART_BYTES });
  assert(store !== undefined);
  return store;
}

async function setUp(t: TestContext): Promise<{ sink: ObjectStore; folder: string; url: string }> {
  const { url, folder } = await startObjectStorage(t);
  return { sink: open(url), folder, url };
}

/** Pieces that each hold their number; `beforeLast` may spoil it. */
async function* pieces(
  size: number,
  pieceSize: number,
  beforeLast?: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const count = Math.ceil(size / pieceSize);
  for (let index = 0; index < count; index++) {
    if (index === count - 1) beforeLast?.();
    yield Buffer.alloc(pieceSize, index);
  }
}

async function contentOf(sink: ObjectStore, path: string): Promise<Buffer> {
  const read: Uint8Array[] = [];
  for await (const piece of sink.read(path, signal)) read.push(piece);
  return Buffer.concat(read);
}

async function blobsBelow(sink: ObjectStore, folder: string): Promise<StoredBlob[]> {
  const blobs: StoredBlob[] = [];
  for await (const blob of sink.list(folder, signal)) blobs.push(blob);
  return blobs;
}
