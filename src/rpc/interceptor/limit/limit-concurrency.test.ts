import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import type { LimitSettings } from "../../../base/limit/limit-settings.ts";
import { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { LimitErrorSchema } from "../../../proto/errors_pb.ts";
import { RefExistsRequestSchema, RefService } from "../../../proto/ref_pb.ts";
import {
  CreateBundleFromRefListRequestSchema,
  ReplicateRepositoryRequestSchema,
  RepositoryService,
} from "../../../proto/repository_pb.ts";
import { type TestCallOptions, testCall } from "../../../testing/server-call.ts";
import type { ServerCall } from "../../call.ts";
import { RpcError } from "../../rpc-error.ts";
import { MethodCatalog } from "../request-info/method-catalog.ts";
import { limitConcurrency } from "./limit-concurrency.ts";
import { type RpcLimitSettings, RpcLimits } from "./rpc-limits.ts";

const { refExists } = RefService.method;
const { createBundleFromRefList, replicateRepository } = RepositoryService.method;
const NONE: LimitSettings = {
  maxConcurrency: 0,
  maxPerRepo: 0,
  maxQueueSize: 0,
  maxQueueWaitMs: 0,
  adaptive: false,
  initialLimit: 0,
  maxLimit: 0,
  minLimit: 0,
};

function nameOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function setUp(
  settings: Partial<RpcLimitSettings> = { maxPerRepo: 1, maxQueueSize: 1 },
  method: DescMethod = refExists,
) {
  const metrics = new MetricRegistry();
  const rpc = nameOf(method);
  const concurrency = [{ ...NONE, rpc, unauthenticated: NONE, ...settings }];
  const limits = new RpcLimits({ concurrency, metrics, latencyBuckets: [1e6] });
  const interceptor = limitConcurrency(limits, new MethodCatalog());
  /** A call that runs until it is told to end. */
  const start = (request: Message, options: TestCallOptions = {}, of: DescMethod = method) =>
    startCall(testCall(of, { ...options, request }), interceptor);
  return { metrics, limits, start, interceptor };
}

function startCall(call: ServerCall, interceptor: ReturnType<typeof limitConcurrency>) {
  const running = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const ended = interceptor(call, async () => {
    running.resolve();
    await end.promise;
  });
  return { call, running: running.promise, end: () => end.resolve(), ended };
}

function request(relativePath: string): Message {
  return create(RefExistsRequestSchema, { repository: { relativePath } });
}

function full(message: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof RpcError);
    assert.equal(error.kind, "resource-exhausted");
    assert.equal(error.message, message);
    const [any] = error.details;
    const detail = any && anyUnpack(any, LimitErrorSchema);
    assert.equal(detail?.errorMessage, message);
    assert.equal(detail.retryAfter?.seconds, 0n);
    assert.equal(detail.retryAfter.nanos, 0);
    return true;
  };
}

test("calls for one repository wait for each other, and too many are refused", async () => {
  const { start, metrics } = setUp();
  const [first, other] = [start(request("a")), start(request("b"))];
  await Promise.all([first.running, other.running]);
  const second = start(request("a"));
  const third = start(request("a"));
  await assert.rejects(third.ended, full("maximum queue size reached"));
  assert.deepEqual(third.call.logFields, {
    "limit.limiting_type": "per-rpc",
    "limit.limiting_key": "a",
    "limit.concurrency_queue_length": 1,
    "limit.concurrency_in_progress": 1,
    "limit.concurrency_dropped": "max_size",
    "limit.concurrency_queue_ms": 0,
    "limit.authenticated": "true",
  });
  const labels = 'system="gitaly",grpc_service="gitaly.RefService",grpc_method="RefExists"';
  const shown = metrics.render();
  assert.ok(shown.includes(`gitaly_concurrency_limiting_queued{${labels}} 1\n`));
  assert.ok(shown.includes(`gitaly_concurrency_limiting_in_progress{${labels}} 2\n`));
  assert.ok(shown.includes(`gitaly_concurrency_limiting_acquiring_seconds_count{${labels}} 2\n`));
  const drop = `${labels},reason="max_size",authenticated="true"`;
  assert.ok(shown.includes(`gitaly_requests_dropped_total{${drop}} 1\n`));
  for (const call of [first, other, second]) call.end();
  await Promise.all([first.ended, other.ended, second.ended]);
  assert.equal(second.call.logFields["limit.concurrency_in_progress"], 1);
  assert.ok(metrics.render().includes(`in_progress{${labels}} 0\n`));
});

test("a call that waits for too long is refused", async () => {
  const { start } = setUp({ maxConcurrency: 1, maxPerRepo: 5, maxQueueSize: 1, maxQueueWaitMs: 1 });
  const first = start(request("a"));
  await first.running;
  const message = "maximum time in concurrency queue reached";
  await assert.rejects(start(request("a")).ended, full(message));
  first.end();
  await first.ended;
});

test("a call that fails gives its place away", async () => {
  const { interceptor } = setUp();
  for (let round = 0; round < 2; round++) {
    const call = testCall(refExists, { request: request("a") });
    await assert.rejects(
      interceptor(call, () => Promise.reject(new Error("x"))),
      { message: "x" },
    );
  }
});

test("a call whose client goes away waits no longer", async () => {
  const { start } = setUp();
  const first = start(request("a"));
  await first.running;
  const gone = new AbortController();
  const second = start(request("a"), { signal: gone.signal });
  gone.abort();
  await assert.rejects(second.ended, { kind: "cancelled" });
  first.end();
  await first.ended;
});

test("a stream takes its place with its first request only", async () => {
  const { limits } = setUp({ maxPerRepo: 1, maxQueueSize: 1 }, createBundleFromRefList);
  const interceptor = limitConcurrency(limits, new MethodCatalog());
  const message = (relativePath: string): Message =>
    create(CreateBundleFromRefListRequestSchema, { repository: { relativePath } });
  const read = async (call: ServerCall): Promise<number> => {
    let count = 0;
    for await (const one of call.requests) count += one === undefined ? 0 : 1;
    return count;
  };
  const stream = () =>
    testCall(createBundleFromRefList, { requests: [message("a"), message(""), message("a")] });
  const first = startCall(stream(), interceptor);
  await first.running;
  assert.equal(await read(first.call), 3);
  const second = startCall(stream(), interceptor);
  const third = startCall(stream(), interceptor);
  const waiting = read(second.call);
  await assert.rejects(read(third.call), full("maximum queue size reached"));
  first.end();
  assert.equal(await waiting, 3);
  for (const call of [second, third]) call.end();
  await Promise.all([first.ended, second.ended, third.ended]);
});

test("calls without a repository, and of other RPCs, aren't limited", async () => {
  const { start } = setUp({ maxPerRepo: 1, maxQueueSize: 1 });
  const calls = [0, 1, 2].map(() => start(request("")));
  const others = [0, 1, 2].map(() => start(request("a"), {}, RefService.method.listRefs));
  for (const call of [...calls, ...others]) {
    await call.running;
    call.end();
    await call.ended;
  }
});

test("callers whom nobody has identified may have limits of their own", async () => {
  const unauthenticated = { ...NONE, maxPerRepo: 1, maxQueueSize: 1, maxQueueWaitMs: 1 };
  const { start, limits } = setUp({ maxPerRepo: 2, maxQueueSize: 1, unauthenticated });
  assert.deepEqual(
    limits.limits.map(({ name, settings }) => [name, settings]),
    [
      ["perRPC/gitaly.RefService/RefExists", { initial: 2 }],
      ["perRPC/gitaly.RefService/RefExists-unauthenticated", { initial: 1 }],
    ],
  );
  const first = start(request("a"));
  await first.running;
  const refused = start(request("a"));
  await assert.rejects(refused.ended, full("maximum time in concurrency queue reached"));
  assert.equal(refused.call.logFields["limit.authenticated"], "false");
  const known = start(request("a"), { metadata: { username: "somebody" } });
  const flag = { "gitaly-feature-limit-unauthenticated": "false" };
  const flagged = start(request("a"), { metadata: flag });
  for (const call of [known, flagged, first]) {
    await call.running;
    call.end();
    await call.ended;
  }
});

test("adaptive limits have bounds", () => {
  const adaptive = { ...NONE, adaptive: true, minLimit: 5, initialLimit: 10, maxLimit: 15 };
  const { limits } = setUp({ ...adaptive, unauthenticated: { ...adaptive, initialLimit: 6 } });
  assert.deepEqual(
    limits.limits.map(({ settings }) => settings),
    [
      { initial: 10, max: 15, min: 5 },
      { initial: 6, max: 15, min: 5 },
    ],
  );
});

test("ReplicateRepository runs once for a repository unless the configuration says more", async () => {
  const replication = create(ReplicateRepositoryRequestSchema, {
    repository: { relativePath: "a" },
  });
  const { start, metrics } = setUp();
  const first = start(replication, {}, replicateRepository);
  await first.running;
  const second = start(replication, {}, replicateRepository);
  const state =
    'queued{system="gitaly",grpc_service="gitaly.RepositoryService",grpc_method="ReplicateRepository"} 1\n';
  assert.ok(metrics.render().includes(state));
  for (const call of [first, second]) {
    call.end();
    await call.ended;
  }
  const more = setUp({ maxPerRepo: 2, maxQueueSize: 1 }, replicateRepository);
  const both = [more.start(replication), more.start(replication)];
  for (const call of both) await call.running;
  for (const call of both) call.end();
});
