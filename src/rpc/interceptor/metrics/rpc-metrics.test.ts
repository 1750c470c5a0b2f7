import assert from "node:assert/strict";
import test from "node:test";
import { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { RefService } from "../../../proto/ref_pb.ts";
import { testCall } from "../../../testing/server-call.ts";
import { notFound } from "../../rpc-error.ts";
import { MethodCatalog } from "../request-info/method-catalog.ts";
import { rpcMetrics } from "./rpc-metrics.ts";

const { refExists, listRefs } = RefService.method;
const LABELS = 'grpc_type="unary",grpc_service="gitaly.RefService",grpc_method="RefExists"';

function setUp(latencyBuckets: readonly number[]): {
  readonly metrics: MetricRegistry;
  readonly interceptor: ReturnType<typeof rpcMetrics>;
} {
  const metrics = new MetricRegistry();
  const catalog = new MethodCatalog();
  return {
    metrics,
    interceptor: rpcMetrics({ catalog, metrics, latencyBuckets, methods: [listRefs] }),
  };
}

test("calls, messages, codes and latencies are counted by method", async () => {
  const { metrics, interceptor } = setUp([1e6]);
  const call = testCall(refExists);
  await interceptor(call, async () => {
    Object.assign(call.statistics, { receivedCount: 2, sentCount: 3 });
    assert.ok(metrics.render().includes(`grpc_server_started_total{${LABELS}} 1\n`));
  });
  const failing = interceptor(testCall(refExists), async () => {
    throw notFound("no such ref");
  });
  await assert.rejects(failing, { message: "no such ref" });
  const text = metrics.render();
  for (const line of [
    `grpc_server_started_total{${LABELS}} 2`,
    `grpc_server_msg_received_total{${LABELS}} 2`,
    `grpc_server_msg_sent_total{${LABELS}} 3`,
    `grpc_server_handled_total{${LABELS},grpc_code="OK"} 1`,
    `grpc_server_handled_total{${LABELS},grpc_code="NotFound"} 1`,
    `grpc_server_handled_total{${LABELS},grpc_code="Internal"} 0`,
    `grpc_server_handling_seconds_bucket{${LABELS},le="1000000"} 2`,
    `grpc_server_handling_seconds_count{${LABELS}} 2`,
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
});

test("a call that its client has given up counts as Canceled, whatever the error says", async () => {
  const { metrics, interceptor } = setUp([]);
  const call = testCall(refExists, { signal: AbortSignal.abort() });
  await assert.rejects(interceptor(call, () => Promise.reject(notFound("x"))));
  assert.match(metrics.render(), /^grpc_server_handled_total\{.*grpc_code="Canceled"\} 1$/m);
});

test("a call that came to its deadline counts as DeadlineExceeded", async () => {
  const { metrics, interceptor } = setUp([]);
  const call = testCall(refExists, { signal: AbortSignal.abort(), deadlineMs: Date.now() - 1 });
  await assert.rejects(interceptor(call, () => Promise.reject(new Error("x"))));
  assert.match(
    metrics.render(),
    /^grpc_server_handled_total\{.*grpc_code="DeadlineExceeded"\} 1$/m,
  );
});

test("known methods show 0 before their first call", () => {
  const { metrics } = setUp([]);
  const text = metrics.render();
  assert.match(text, /^grpc_server_started_total\{grpc_type="server_stream",.*"ListRefs"\} 0$/m);
  assert.equal(text.match(/^grpc_server_handled_total\{/gm)?.length, 17);
});

test("without buckets no latencies are kept", async () => {
  const { metrics, interceptor } = setUp([]);
  await interceptor(testCall(refExists), async () => undefined);
  assert.doesNotMatch(metrics.render(), /grpc_server_handling_seconds/);
});
