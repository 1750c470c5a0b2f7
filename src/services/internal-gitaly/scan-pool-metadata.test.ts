import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { InternalGitaly } from "../../proto/internal_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { collect } from "../../testing/repository-errors.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

const POOL = "@pools/aa/bb/pool.git";

async function fixture(t: TestContext, databasePath = "") {
  const server = await startTestServer(t, { poolMetadata: { databasePath } });
  const client = server.client(InternalGitaly);
  const scan = async (): Promise<[string, string][]> => {
    const replies = await collect(client.scanPoolMetadata({ storageName: TEST_STORAGE }));
    return replies.map(({ relativePath, poolDiskPath, isUpstream }) => {
      assert.equal(isUpstream, false);
      return [relativePath, poolDiskPath];
    });
  };
  const member = (relativePath: string, alternates: string): string => {
    const { path } = server.repository({ relativePath });
    writeFileSync(join(path, "objects/info/alternates"), alternates);
    return path;
  };
  return { server, client, scan, member };
}

test("scanPoolMetadata tells who borrows from which pool", async (t) => {
  const { server, scan, member } = await fixture(t);
  const pool = server.repository({ relativePath: POOL });
  for (const folder of ["@pools/aa/cc", "@pools/aa/cd"]) {
    mkdirSync(join(server.storagePath, folder));
  }
  server.repository({ relativePath: "alone.git" });
  assert.deepEqual(await scan(), []);
  member("absolute.git", join(pool.path, "objects"));
  member("relative/x.git", `# comment\n\n../../../${POOL}/objects\n/elsewhere/objects\n`);
  member("empty.git", "\n");
  assert.deepEqual(await scan(), [
    ["absolute.git", POOL],
    ["relative/x.git", POOL],
  ]);
});

test("scanPoolMetadata passes over pools that are damaged or gone", async (t) => {
  const { server, scan, member } = await fixture(t);
  const pool = server.repository({ relativePath: POOL });
  rmSync(join(pool.path, "refs"), { recursive: true });
  member("a.git", join(pool.path, "objects"));
  member("b.git", join(pool.path, "objects"));
  member("c.git", "../../gone.git/objects");
  assert.deepEqual(await scan(), []);
});

test("scanPoolMetadata notes who borrows from a pool that is gone", async (t) => {
  const databasePath = join(temporaryDirectory(t), "pools.db");
  const { scan, member } = await fixture(t, databasePath);
  member("a.git", "../../gone.git/objects");
  member("b.git", "../../gone.git/objects");
  assert.deepEqual(await scan(), []);
  const database = new DatabaseSync(databasePath);
  t.after(() => database.close());
  const rows = database.prepare("SELECT * FROM broken_pools ORDER BY pool_member").all();
  assert.deepEqual(rows.map(Object.values), [
    ["a.git", TEST_STORAGE, "gone.git"],
    ["b.git", TEST_STORAGE, "gone.git"],
  ]);
});

test("scanPoolMetadata explains what it can't read", async (t) => {
  const { client, scan, member } = await fixture(t);
  await assert.rejects(collect(client.scanPoolMetadata({ storageName: "missing" })), {
    kind: "invalid-argument",
    message: "get storage: storage name not found",
  });
  await assert.rejects(collect(client.scanPoolMetadata({})), {
    kind: "invalid-argument",
    message: "get storage: storage name not set",
  });
  const alternates = join(member("a.git", ""), "objects/info/alternates");
  rmSync(alternates);
  mkdirSync(alternates);
  await assert.rejects(scan(), { kind: "internal", message: /^read alternates for "a\.git": / });
});
