import assert from "node:assert/strict";
import { test } from "node:test";
import { InternalGitaly } from "../../proto/internal_pb.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("storePoolMetadata has no database", async (t) => {
  const client = (await startTestServer(t)).client(InternalGitaly);
  const pool = { storageName: TEST_STORAGE, relativePath: "a.git", poolDiskPath: "p.git" };
  for (const requests of [[], [{}], [pool, pool]]) {
    await assert.rejects(client.storePoolMetadata(requests), {
      kind: "failed-precondition",
      message: "pool metadata store not configured",
    });
  }
});
