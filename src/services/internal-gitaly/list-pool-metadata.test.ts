import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { InternalGitaly } from "../../proto/internal_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("listPoolMetadata needs a database", async (t) => {
  const client = (await startTestServer(t)).client(InternalGitaly);
  for (const storageName of ["", TEST_STORAGE]) {
    await assert.rejects(collect(client.listPoolMetadata({ storageName })), {
      kind: "failed-precondition",
      message: "pool metadata store not configured",
    });
  }
});

test("listPoolMetadata knows nothing of what nobody has stored", async (t) => {
  const databasePath = join(temporaryDirectory(t), "pools.db");
  const server = await startTestServer(t, { poolMetadata: { databasePath } });
  const client = server.client(InternalGitaly);
  assert.deepEqual(await collect(client.listPoolMetadata({ storageName: TEST_STORAGE })), []);
});
