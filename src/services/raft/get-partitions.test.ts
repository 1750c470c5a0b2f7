import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftService } from "../../proto/cluster_pb.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("getPartitions has none to tell", async (t) => {
  const client = (await startTestServer(t)).client(RaftService);
  for (const request of [{}, { clusterId: "x", relativePath: "a.git" }]) {
    await assert.rejects(collect(client.getPartitions(request)), {
      kind: "internal",
      message: "node is not Raft-enabled",
    });
  }
});
