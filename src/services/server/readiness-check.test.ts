import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerService } from "../../proto/server_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("readinessCheck finds a server that answers to be ready", async (t) => {
  const client = (await startTestServer(t)).client(ServerService);
  const reply = await client.readinessCheck({ timeout: { seconds: 1n } });
  assert.equal(reply.Result.case, "okResponse");
});
