import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { RaftService } from "../../proto/cluster_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { raftSettings } from "../../testing/test-settings.ts";

async function client(t: TestContext, clusterId = "") {
  const server = await startTestServer(t, { raft: raftSettings({ clusterId }) });
  return server.client(RaftService);
}

test("sendMessage refuses what isn't for it", async (t) => {
  const other = await client(t);
  assert.equal((await other.sendMessage([])).$typeName, "gitaly.RaftMessageResponse");
  await assert.rejects(other.sendMessage([{}]), {
    kind: "invalid-argument",
    message: "cluster_id is required",
  });
  await assert.rejects(other.sendMessage([{ clusterId: 'a"b' }]), {
    kind: "permission-denied",
    message: 'message from wrong cluster: got "a\\"b", want ""',
  });
});

test("sendMessage has no replica to give a message to", async (t) => {
  const clusterId = "44c58f50-0a8b-4849-bf8b-d5a56198ea7c";
  const member = await client(t, clusterId);
  await assert.rejects(member.sendMessage([{ clusterId: "other" }]), {
    kind: "permission-denied",
    message: `message from wrong cluster: got "other", want "${clusterId}"`,
  });
  await assert.rejects(member.sendMessage([{ clusterId }]), {
    kind: "invalid-argument",
    message: "partition_key cannot be empty",
  });
  const replicaId = { storageName: "default", partitionKey: { value: "1" } };
  await assert.rejects(member.sendMessage([{ clusterId, replicaId }]), {
    kind: "internal",
    message: "node is not Raft-enabled",
  });
});
