import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftService } from "../../proto/cluster_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { raftSettings } from "../../testing/test-settings.ts";

test("sendSnapshot has no replica to give a state to", async (t) => {
  const clusterId = "cluster";
  const server = await startTestServer(t, { raft: raftSettings({ clusterId }) });
  const client = server.client(RaftService);
  const message = (raftMsg: object) => [
    { raftSnapshotPayload: { case: "raftMsg" as const, value: raftMsg } },
  ];
  const chunk = { raftSnapshotPayload: { case: "chunk" as const, value: Buffer.from("x") } };
  await assert.rejects(client.sendSnapshot([]), {
    kind: "internal",
    message: "receive error: EOF",
  });
  for (const requests of [[{}], [chunk], message({})]) {
    await assert.rejects(client.sendSnapshot(requests), {
      kind: "invalid-argument",
      message: "cluster_id is required",
    });
  }
  await assert.rejects(client.sendSnapshot(message({ clusterId: "other" })), {
    kind: "permission-denied",
    message: 'message from wrong cluster: got "other", want "cluster"',
  });
  await assert.rejects(client.sendSnapshot(message({ clusterId })), {
    kind: "invalid-argument",
    message: "partition_key cannot be empty",
  });
  const replicaId = { partitionKey: { value: "1" } };
  await assert.rejects(client.sendSnapshot([...message({ clusterId, replicaId }), chunk]), {
    kind: "internal",
    message: "node is not Raft-enabled",
  });
});
