import assert from "node:assert/strict";
import { test } from "node:test";
import { PartitionService } from "../../proto/partition_pb.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("listPartitions has none without transactions", async (t) => {
  const client = (await startTestServer(t)).client(PartitionService);
  const pages = [{}, { paginationParams: { pageToken: "nonsense", limit: 1 } }];
  for (const storageName of [TEST_STORAGE, "", "missing"]) {
    for (const page of pages) {
      await assert.rejects(client.listPartitions({ storageName, ...page }), {
        kind: "internal",
        message: "transactions not enabled",
      });
    }
  }
});
