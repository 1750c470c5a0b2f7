import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftService } from "../../proto/cluster_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("getClusterInfo has no cluster to sum up", async (t) => {
  const client = (await startTestServer(t)).client(RaftService);
  await assert.rejects(client.getClusterInfo({ clusterId: "x" }), {
    kind: "internal",
    message: "node is not Raft-enabled",
  });
});
