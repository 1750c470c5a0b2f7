import assert from "node:assert/strict";
import { readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../base/log/logger.ts";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import type { Produce, TakePieces } from "./kept-stream.ts";
import { StreamCache, type StreamCacheOptions } from "./stream-cache.ts";

const AGE_MS = 300_000;

function setUp(t: TestContext, options: Partial<StreamCacheOptions> = {}) {
  const directory = join(temporaryDirectory(t), "cache");
  const metrics = new MetricRegistry();
  const clock = { nowMs: Date.now() };
  const cache = new StreamCache({
    name: "test",
    directory,
    maxAgeMs: AGE_MS,
    minOccurrences: 0,
    backpressure: true,
    metrics,
    logger: silentLogger,
    nowMs: () => clock.nowMs,
    ...options,
  });
  t.after(() => cache[Symbol.asyncDispose]());
  return { cache, directory, metrics, clock };
}

function files(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile());
}

/** Collects what it is given; a copy, since the memory is used again. */
function collector() {
  const parts: Buffer[] = [];
  const take: TakePieces = async (pieces) => {
    parts.push(...pieces.map((piece) => Buffer.from(piece)));
  };
  return { take, text: () => Buffer.concat(parts).toString() };
}

const never: Produce = () => Promise.reject(new Error("is made once"));

function producerOf(...texts: string[]): Produce {
  return async (take) => {
    for (const text of texts) await take([Buffer.from(text)]);
  };
}

async function read(t: TestContext, cache: StreamCache, key: string, produce: Produce) {
  const { take, text } = collector();
  const fetched = await cache.fetch(key, { take, signal: t.signal }, produce);
  return { ...fetched, text: text() };
}

test("a stream is made once for each key", async (t) => {
  const { cache, metrics, directory } = setUp(t);
  const first = await read(t, cache, "a", producerOf("hello ", "world"));
  assert.deepEqual(first, { bytes: 11, created: true, text: "hello world" });
  const second = await read(t, cache, "a", never);
  assert.deepEqual(second, { bytes: 11, created: false, text: "hello world" });
  assert.equal((await read(t, cache, "b", producerOf(""))).created, true);
  assert.equal(files(directory).length, 2);
  const shown = metrics.render();
  const dir = `dir="${directory}"`;
  assert.ok(shown.includes(`gitaly_test_cache_enabled{${dir},max_age="300"} 1\n`), shown);
  const size = `gitaly_streamcache_index_entries{${dir},cache_name="test"} 2\n`;
  assert.ok(shown.includes(size), shown);
});

test("who comes while a stream is made joins in, and reads it from its beginning", async (t) => {
  const { cache } = setUp(t);
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const first = read(t, cache, "a", async (take) => {
    await take([Buffer.from("one "), Buffer.from("two ")]);
    begun.resolve();
    await goOn.promise;
    await take([Buffer.from("three")]);
  });
  await begun.promise;
  const second = read(t, cache, "a", never);
  goOn.resolve();
  assert.deepEqual(await first, { bytes: 13, created: true, text: "one two three" });
  assert.deepEqual(await second, { bytes: 13, created: false, text: "one two three" });
});

test("a failure is told to all who read, and the next one tries again", async (t) => {
  const { cache } = setUp(t);
  const goOn = Promise.withResolvers<void>();
  const first = read(t, cache, "a", async (take) => {
    await take([Buffer.from("one")]);
    await goOn.promise;
    throw new Error("broken");
  });
  const second = read(t, cache, "a", never);
  goOn.resolve();
  const failure = assert.rejects(first, { message: "broken" });
  await Promise.all([failure, assert.rejects(second, { message: "broken" })]);
  const third = await read(t, cache, "a", producerOf("fine"));
  assert.deepEqual(third, { bytes: 4, created: true, text: "fine" });
});

test("a reader that goes away leaves others alone; with the last one the producer ends", async (t) => {
  const { cache } = setUp(t);
  const ended = Promise.withResolvers<unknown>();
  const produce: Produce = async (take, signal) => {
    await take([Buffer.from("one")]);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    ended.resolve(signal.reason);
    throw signal.reason;
  };
  const [one, other] = [new AbortController(), new AbortController()];
  const got = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const start = (index: 0 | 1, { signal }: AbortController) => {
    const take: TakePieces = async () => got[index].resolve();
    return cache.fetch("a", { take, signal }, index === 0 ? produce : never);
  };
  const reads = [start(0, one), start(1, other)] as const;
  await Promise.all(got.map(({ promise }) => promise));
  one.abort(new Error("first has gone"));
  await assert.rejects(reads[0], { message: "first has gone" });
  const isRunning = await Promise.race([ended.promise, Promise.resolve("running")]);
  assert.equal(isRunning, "running");
  other.abort(new Error("second has gone"));
  await assert.rejects(reads[1], { message: "second has gone" });
  assert.match(String(await ended.promise), /all readers of the stream have gone away/);
  assert.equal((await read(t, cache, "a", producerOf("new"))).text, "new");
});

test("a reader that can't take any more goes away alone", async (t) => {
  const { cache } = setUp(t);
  const goOn = Promise.withResolvers<void>();
  const first = cache.fetch(
    "a",
    { take: () => Promise.reject(new Error("broken pipe")), signal: t.signal },
    async (take) => {
      await take([Buffer.from("one")]);
      await goOn.promise;
    },
  );
  const second = read(t, cache, "a", never);
  await assert.rejects(first, { message: "broken pipe" });
  goOn.resolve();
  assert.equal((await second).text, "one");
});

for (const backpressure of [true, false]) {
  test(`a producer ${backpressure ? "waits" : "doesn't wait"} for its fastest reader`, async (t) => {
    const { cache } = setUp(t, { backpressure });
    const piece = Buffer.alloc(512 * 1024, "x");
    const blocked = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let made = 0;
    const produced = Promise.withResolvers<void>();
    const produce: Produce = async (take) => {
      for (; made < 20; made++) await take([piece]);
      produced.resolve();
    };
    let bytes = 0;
    const take: TakePieces = async (pieces) => {
      blocked.resolve();
      await goOn.promise;
      for (const { length } of pieces) bytes += length;
    };
    const reading = cache.fetch("a", { take, signal: t.signal }, produce);
    await blocked.promise;
    if (!backpressure) await produced.promise;
    assert.ok(backpressure ? made <= 4 : made === 20, String(made));
    goOn.resolve();
    await reading;
    assert.equal(bytes, 20 * piece.length);
  });
}

test("only what occurs often enough is kept", async (t) => {
  const { cache, directory, clock } = setUp(t, { minOccurrences: 1 });
  const produce = producerOf("text");
  assert.deepEqual(await read(t, cache, "a", produce), { bytes: 4, created: true, text: "text" });
  assert.throws(() => files(directory), { code: "ENOENT" });
  assert.equal((await read(t, cache, "a", produce)).created, true);
  assert.equal(files(directory).length, 1);
  assert.equal((await read(t, cache, "a", never)).created, false);
  // After two generations nobody remembers it.
  for (let round = 0; round < 2; round++) {
    clock.nowMs += AGE_MS + 1;
    await read(t, cache, `other ${round}`, produce);
  }
  await cache.sweep();
  assert.equal((await read(t, cache, "a", produce)).created, true);
  assert.equal((await read(t, cache, "a", produce)).created, true);
});

test("what is old is removed, and so is what another process has left", async (t) => {
  const { cache, directory, clock, metrics } = setUp(t);
  await read(t, cache, "a", producerOf("old"));
  const [path = ""] = files(directory);
  clock.nowMs += AGE_MS / 2;
  await read(t, cache, "b", producerOf("young"));
  const left = join(path, "../left-by-another");
  writeFileSync(left, "debris");
  const longAgo = new Date(clock.nowMs - 10 * AGE_MS);
  utimesSync(left, longAgo, longAgo);
  clock.nowMs += AGE_MS / 2 + 1;
  await cache.sweep();
  assert.equal(files(directory).includes(path), false);
  assert.equal(files(directory).includes(left), false);
  const dir = `dir="${directory}"`;
  const shown = metrics.render();
  assert.ok(shown.includes(`gitaly_streamcache_filestore_removed_total{${dir}} `), shown);
  assert.equal((await read(t, cache, "a", producerOf("new"))).text, "new");
});

test("a stream whose file is gone is made again", async (t) => {
  const { cache, directory } = setUp(t);
  await read(t, cache, "a", producerOf("one"));
  for (const path of files(directory)) rmSync(path);
  const again = await read(t, cache, "a", producerOf("two"));
  assert.deepEqual(again, { bytes: 3, created: true, text: "two" });
});

test("a cache without a place for files says so", async (t) => {
  const { cache, directory } = setUp(t);
  writeFileSync(directory, "");
  await assert.rejects(read(t, cache, "a", producerOf("one")), { code: "ENOTDIR" });
});

test("the end of a cache ends producers and removes files", async (t) => {
  const { cache, directory } = setUp(t);
  await read(t, cache, "a", producerOf("one"));
  const begun = Promise.withResolvers<void>();
  const reading = read(t, cache, "b", async (_take, signal) => {
    begun.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    signal.throwIfAborted();
  });
  await begun.promise;
  const rejected = assert.rejects(reading, { kind: "cancelled" });
  await cache[Symbol.asyncDispose]();
  await rejected;
  assert.deepEqual(files(directory), []);
});
