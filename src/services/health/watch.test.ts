import assert from "node:assert/strict";
import { test } from "node:test";
import { Health, HealthCheckResponse_ServingStatus } from "../../proto/grpc/health/v1/health_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("watch tells the state at once and goes on until the client has enough", async (t) => {
  const server = await startTestServer(t);
  const { SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;
  for (const [service, expected] of [
    ["", SERVING],
    ["other", SERVICE_UNKNOWN],
  ] as const) {
    const cancellation = new AbortController();
    const { signal } = cancellation;
    const states = server.client(Health).watch({ service }, { signal });
    const first = await states.next();
    assert.ok(first.done !== true);
    assert.equal(first.value.status, expected);
    const second = states.next();
    cancellation.abort();
    await assert.rejects(second, { kind: "cancelled" });
  }
});
