import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import { createTestPool } from "../../testing/object-pool.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("getObjectPool names the pool that a repository borrows from", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(ObjectPoolService);
  const member = server.repository();
  const pool = await createTestPool(server, member);
  const named = async (): Promise<string | undefined> => {
    const { objectPool } = await client.getObjectPool({ repository: member.address });
    return objectPool?.repository?.relativePath;
  };
  assert.equal(await named(), undefined);
  const alternates = join(member.path, "objects/info/alternates");
  for (const path of [pool.path, relative(join(member.path, "objects"), pool.path)]) {
    writeFileSync(alternates, `${path}/objects\n`);
    assert.equal(await named(), pool.address.relativePath);
  }
  writeFileSync(alternates, `${server.repository().path}/objects\n`);
  assert.equal(await named(), undefined);
  writeFileSync(alternates, `${pool.path}/objects\n`);
  rmSync(pool.path, { recursive: true });
  assert.equal(await named(), undefined);
  rmSync(alternates);
  mkdirSync(alternates);
  assert.equal(await named(), undefined);
});

test("getObjectPool wants a repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(ObjectPoolService);
  await assertRepositoryErrors((repository) =>
    client.getObjectPool(repository ? { repository } : {}),
  );
});
