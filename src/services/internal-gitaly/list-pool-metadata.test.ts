import assert from "node:assert/strict";
import { test } from "node:test";
import { InternalGitaly } from "../../proto/internal_pb.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("listPoolMetadata has no database", async (t) => {
  const client = (await startTestServer(t)).client(InternalGitaly);
  for (const storageName of ["", TEST_STORAGE]) {
    await assert.rejects(collect(client.listPoolMetadata({ storageName })), {
      kind: "failed-precondition",
      message: "pool metadata store not configured",
    });
  }
});
