import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { silentLogger } from "../../../base/log/logger.ts";
import { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { PktLineParser } from "../../../git/pkt-line/pkt-line-parser.ts";
import { parseSideband } from "../../../git/pkt-line/sideband.ts";
import { LimitErrorSchema } from "../../../proto/errors_pb.ts";
import { HookService } from "../../../proto/hook_pb.ts";
import { RpcError } from "../../../rpc/rpc-error.ts";
import type { TakePieces } from "../../../storage/stream-cache/kept-stream.ts";
import { StreamCache } from "../../../storage/stream-cache/stream-cache.ts";
import { createTestRepository, temporaryDirectory } from "../../../testing/git-repository.ts";
import { testCall } from "../../../testing/server-call.ts";
import { writeCommit } from "../../../testing/test-commits.ts";
import { startTestGitRunner } from "../../../testing/test-git-runner.ts";
import {
  type TestPackObjectsOptions,
  testPackObjects,
} from "../../../testing/test-pack-objects.ts";
import { testPushContext } from "../../../testing/test-push-context.ts";
import type { PackRequest } from "./pack-objects.ts";

const ARGS = ["pack-objects", "--revs", "--thin", "--stdout", "--progress", "--delta-base-offset"];
const OTHER_ARGS = ["pack-objects", "--revs", "--stdout"];

function testCache(t: TestContext, minOccurrences: number): StreamCache {
  const cache = new StreamCache({
    name: "pack_objects",
    directory: join(temporaryDirectory(t), "cache"),
    maxAgeMs: 300_000,
    minOccurrences,
    backpressure: true,
    metrics: new MetricRegistry(),
    logger: silentLogger,
  });
  t.after(() => cache[Symbol.asyncDispose]());
  return cache;
}

async function setUp(t: TestContext, options: TestPackObjectsOptions = {}) {
  const repository = createTestRepository(t);
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  const git = await startTestGitRunner(t);
  const metrics = new MetricRegistry();
  const packs = testPackObjects(git, { metrics, ...options });
  const located = testPushContext(repository).repository;
  const call = (metadata: Record<string, string> = {}, signal = t.signal) =>
    testCall(HookService.method.packObjectsHookWithSidechannel, { signal, metadata });
  const request = (changes: Partial<PackRequest> = {}): PackRequest => ({
    repository: located,
    address: located,
    args: ARGS,
    protocol: "ssh",
    remoteIp: "",
    input: input(`${commit}\n--not\n\n`),
    ...changes,
  });
  /** Has a pack made and reads it; says whether it was made for this request. */
  const ask = async (changes: Partial<PackRequest> = {}): Promise<"miss" | "hit"> => {
    const parts: Buffer[] = [];
    const take: TakePieces = async (pieces) => {
      parts.push(...pieces.map((piece) => Buffer.from(piece)));
    };
    const own = call();
    await packs.serve(request(changes), take, own);
    repository.git(["index-pack", "--stdin", "--fix-thin"], { input: packOf(parts) });
    return own.logFields["pack_objects_cache.hit"] === "true" ? "hit" : "miss";
  };
  return { packs, call, request, ask, metrics };
}

async function* input(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function packOf(parts: Buffer[]): Buffer {
  const parser = new PktLineParser();
  parser.push(Buffer.concat(parts));
  const pack: Buffer[] = [];
  for (let line = parser.next(); line !== undefined; line = parser.next()) {
    if (line.kind !== "data") throw new Error(`unexpected ${line.kind}`);
    const { band, data } = parseSideband(line.data);
    if (band === 1) pack.push(Buffer.from(data));
  }
  return Buffer.concat(pack);
}

test("a pack is made once for all who want the same", async (t) => {
  const { ask, metrics } = await setUp(t, { cache: testCache(t, 0) });
  assert.equal(await ask(), "miss");
  assert.equal(await ask(), "hit");
  assert.equal(await ask({ remoteIp: "1.2.3.4" }), "hit");
  assert.equal(await ask({ protocol: "http" }), "miss");
  assert.equal(await ask({ args: OTHER_ARGS }), "miss");
  assert.equal(await ask({ args: OTHER_ARGS }), "hit");
  const shown = metrics.render();
  assert.ok(shown.includes('gitaly_pack_objects_cache_lookups_total{result="hit"} 3\n'), shown);
  assert.ok(shown.includes('gitaly_pack_objects_cache_lookups_total{result="miss"} 3\n'), shown);
  const served = Number(/^gitaly_pack_objects_served_bytes_total (\d+)$/m.exec(shown)?.[1]);
  const generated = Number(/^gitaly_pack_objects_generated_bytes_total (\d+)$/m.exec(shown)?.[1]);
  assert.ok(generated > 0 && generated < served, shown);
});

test("packs that are seldom asked for aren't kept, and none without a cache", async (t) => {
  const seldom = await setUp(t, { cache: testCache(t, 1) });
  assert.deepEqual(
    [await seldom.ask(), await seldom.ask(), await seldom.ask()],
    ["miss", "miss", "hit"],
  );
  const { ask, packs } = await setUp(t);
  assert.equal(packs.isShared, false);
  assert.deepEqual([await ask(), await ask()], ["miss", "miss"]);
});

test("who waits for a pack gets it though the one who asked first has gone", async (t) => {
  const { packs, call, request, metrics } = await setUp(t, { cache: testCache(t, 0) });
  const gone = new AbortController();
  const isReading = Promise.withResolvers<void>();
  const first = packs.serve(
    request(),
    async () => {
      isReading.resolve();
      await new Promise((resolve) => gone.signal.addEventListener("abort", resolve));
      throw new Error("broken pipe");
    },
    call({}, gone.signal),
  );
  await isReading.promise;
  let bytes = 0;
  const take: TakePieces = async (pieces) => {
    for (const { length } of pieces) bytes += length;
    gone.abort();
  };
  await Promise.all([assert.rejects(first), packs.serve(request(), take, call())]);
  assert.ok(bytes > 0);
  const shown = metrics.render();
  assert.ok(shown.includes('gitaly_pack_objects_cache_lookups_total{result="hit"} 1\n'), shown);
});

const LIMIT = { maxConcurrency: 1, maxQueueSize: 1, maxQueueWaitMs: 1 };

/** Starts to send a pack and stops in the middle until it is told to go on. */
async function hold({ packs, call, request }: Awaited<ReturnType<typeof setUp>>, remoteIp: string) {
  const isReading = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const take: TakePieces = async () => {
    isReading.resolve();
    await goOn.promise;
  };
  const ended = packs.serve(request({ remoteIp }), take, call());
  await isReading.promise;
  return { goOn: () => goOn.resolve(), ended };
}

test("one address has only so many packs made at once", async (t) => {
  const scene = await setUp(t, { limits: LIMIT });
  const { ask, metrics, packs, request, call } = scene;
  const held = await hold(scene, "1.2.3.4");
  assert.ok(metrics.render().includes('pack_objects_in_progress{auth="authenticated"} 1\n'));
  const own = call();
  const refused = packs.serve(request({ remoteIp: "1.2.3.4:5" }), async () => undefined, own);
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof RpcError);
    assert.equal(error.kind, "resource-exhausted");
    assert.equal(error.message, "maximum time in concurrency queue reached");
    const [any] = error.details;
    assert.equal(any && anyUnpack(any, LimitErrorSchema)?.errorMessage, error.message);
    return true;
  });
  assert.equal(own.logFields["limit.limiting_type"], "pack-objects");
  assert.equal(own.logFields["limit.limiting_key"], "1.2.3.4");
  assert.equal(own.logFields["limit.concurrency_dropped"], "max_time");
  assert.equal(own.logFields["limit.authenticated"], undefined);
  for (const remoteIp of ["1.2.3.5", "127.0.0.1", "hello-world", ""]) await ask({ remoteIp });
  held.goOn();
  await held.ended;
  await ask({ remoteIp: "1.2.3.4" });
  const shown = metrics.render();
  const dropped = 'gitaly_pack_objects_dropped_total{auth="authenticated",reason="max_time"} 1\n';
  assert.ok(shown.includes(dropped), shown);
  assert.ok(shown.includes('gitaly_pack_objects_queued{auth="authenticated"} 0\n'), shown);
});

test("only who has a pack made is limited, not who shares it", async (t) => {
  const scene = await setUp(t, { limits: LIMIT, cache: testCache(t, 0) });
  const held = await hold(scene, "1.2.3.4");
  assert.equal(await scene.ask({ remoteIp: "1.2.3.4" }), "hit");
  held.goOn();
  await held.ended;
});

test("callers whom nobody has identified may have a limit of their own", async (t) => {
  const unlimited = { ...LIMIT, maxConcurrency: 0, maxPerRepo: 0, adaptive: false };
  const adaptive = { initialLimit: 0, minLimit: 0, maxLimit: 0 };
  const unauthenticated = { ...unlimited, ...adaptive, maxConcurrency: 1 };
  const scene = await setUp(t, { limits: { ...unlimited, unauthenticated } });
  const { packs, request, call } = scene;
  assert.deepEqual(
    packs.limits.limits.map(({ name }) => name),
    ["packObjects", "packObjects-unauthenticated"],
  );
  const held = await hold(scene, "1.2.3.4");
  const serve = (metadata: Record<string, string>) =>
    packs.serve(request({ remoteIp: "1.2.3.4" }), async () => undefined, call(metadata));
  await assert.rejects(serve({}), { kind: "resource-exhausted" });
  await serve({ username: "somebody" });
  held.goOn();
  await held.ended;
});
