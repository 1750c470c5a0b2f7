import assert from "node:assert/strict";
import { test } from "node:test";
import { RaftService } from "../../proto/cluster_pb.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("joinCluster wants every field, and has no partitions then", async (t) => {
  const client = (await startTestServer(t)).client(RaftService);
  const request = {
    partitionKey: { value: "1" },
    memberId: 2n,
    storageName: "default",
    replicas: [{ memberId: 1n }],
    leaderId: 1n,
  };
  const cases = [
    [{ partitionKey: undefined }, "partition_key"],
    [{ memberId: 0n }, "member_id"],
    [{ storageName: "" }, "storage_name"],
    [{ replicas: [] }, "replica"],
    [{ leaderId: 0n }, "leader_id"],
  ] as const;
  for (const [change, field] of cases) {
    const { partitionKey, ...others } = { ...request, ...change };
    const changed = { ...others, replicas: [...others.replicas] };
    await assert.rejects(
      client.joinCluster({ ...changed, ...(partitionKey && { partitionKey }) }),
      {
        kind: "invalid-argument",
        message: `invalid join cluster request: ${field} is required`,
      },
    );
  }
  await assert.rejects(client.joinCluster(request), {
    kind: "internal",
    message: "panic: runtime error: invalid memory address or nil pointer dereference",
  });
});
