import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { InternalGitaly } from "../../proto/internal_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

const member = (relativePath: string, poolDiskPath: string, isUpstream = false) => ({
  ...{ relativePath, poolDiskPath, isUpstream },
});

async function setUp(t: TestContext) {
  const databasePath = join(temporaryDirectory(t), "pools.db");
  const client = (await startTestServer(t, { poolMetadata: { databasePath } })).client(
    InternalGitaly,
  );
  const pools = async (storageName: string): Promise<string[]> =>
    (await collect(client.listPoolMetadata({ storageName }))).map((reply) => reply.poolDiskPath);
  return { client, pools };
}

test("storePoolMetadata replaces what was known of a storage", async (t) => {
  const { client, pools } = await setUp(t);
  await client.storePoolMetadata([]);
  await client.storePoolMetadata([
    { storageName: "a", ...member("m1", "p1", true) },
    { storageName: "ignored", ...member("m2", "p1") },
    member("m3", "p2"),
  ]);
  await client.storePoolMetadata([{ storageName: "b", ...member("m4", "p3") }]);
  assert.deepEqual([await pools("a"), await pools("b")], [["p1", "p2"], ["p3"]]);
  await client.storePoolMetadata([{ storageName: "a", ...member("m1", "p4") }]);
  assert.deepEqual([await pools("a"), await pools("b")], [["p4"], ["p3"]]);
});

test("storePoolMetadata stores all or nothing", async (t) => {
  const { client, pools } = await setUp(t);
  await client.storePoolMetadata([{ storageName: "a", ...member("m1", "p1") }]);
  const storage = { storageName: "b" };
  await assert.rejects(
    client.storePoolMetadata([{ ...storage, ...member("m2", "p2") }, member("m1", "p2")]),
    {
      kind: "internal",
      message:
        "store pool data: insert member m1 for pool p2: UNIQUE constraint failed: pool_members.member_disk_path",
    },
  );
  assert.deepEqual([await pools("a"), await pools("b")], [["p1"], []]);
  await assert.rejects(client.storePoolMetadata([member("m1", "p1")]), {
    kind: "invalid-argument",
    message: "storage_name is required",
  });
});

test("storePoolMetadata needs a database", async (t) => {
  const client = (await startTestServer(t)).client(InternalGitaly);
  const pool = { storageName: TEST_STORAGE, ...member("a.git", "p.git") };
  for (const requests of [[], [{}], [pool, pool]]) {
    await assert.rejects(client.storePoolMetadata(requests), {
      kind: "failed-precondition",
      message: "pool metadata store not configured",
    });
  }
});
