import assert from "node:assert/strict";
import { test } from "node:test";
import { PartitionService } from "../../proto/partition_pb.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";
import { backupSettings } from "../../testing/test-settings.ts";

const REQUEST = { storageName: TEST_STORAGE, partitionId: "1" };

test("backupPartition wants a place for backups", async (t) => {
  const client = (await startTestServer(t)).client(PartitionService);
  await assert.rejects(client.backupPartition(REQUEST), {
    kind: "failed-precondition",
    message: "backup partition: server-side backups are not configured",
  });
});

test("backupPartition wants transactions", async (t) => {
  const backup = backupSettings({ goCloudUrl: "file:///nonexistent" });
  const client = (await startTestServer(t, { backup })).client(PartitionService);
  await assert.rejects(client.backupPartition(REQUEST), {
    kind: "internal",
    message: "backup partition: transaction not initialized",
  });
});
