import assert from "node:assert/strict";
import { test } from "node:test";
import { Health, HealthCheckResponse_ServingStatus } from "../../proto/grpc/health/v1/health_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("list tells the state of the server as a whole", async (t) => {
  const server = await startTestServer(t);
  const { statuses } = await server.client(Health).list({});
  assert.deepEqual(Object.keys(statuses), [""]);
  assert.equal(statuses[""]?.status, HealthCheckResponse_ServingStatus.SERVING);
});
