import assert from "node:assert/strict";
import { test } from "node:test";
import { Health, HealthCheckResponse_ServingStatus } from "../../proto/grpc/health/v1/health_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("check tells that the server serves, and knows nothing else", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(Health);
  const { status } = await client.check({ service: "" });
  assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
  await assert.rejects(client.check({ service: "gitaly.RefService" }), {
    kind: "not-found",
    message: "unknown service",
  });
});
