import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import { createTestPool } from "../../testing/object-pool.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("deleteObjectPool removes a pool, and doesn't mind one that is gone", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(ObjectPoolService);
  const { path, address } = await createTestPool(server, server.repository());
  writeFileSync(`${path}.lock`, "");
  const objectPool = { repository: address };
  await assert.rejects(client.deleteObjectPool({ objectPool }), {
    kind: "failed-precondition",
    message: "remove: repository is already locked",
  });
  assert.equal(existsSync(path), true);
  rmSync(`${path}.lock`);
  await client.deleteObjectPool({ objectPool });
  assert.equal(existsSync(path), false);
  await client.deleteObjectPool({ objectPool });
});

test("deleteObjectPool removes nothing but pools", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(ObjectPoolService);
  const { path, address } = server.repository();
  const refuses = (repository: typeof address | undefined, message: string): Promise<void> =>
    assert.rejects(client.deleteObjectPool(repository ? { objectPool: { repository } } : {}), {
      kind: "invalid-argument",
      message,
    });
  await refuses(undefined, "repository not set");
  await refuses(address, "invalid object pool directory");
  await refuses({ ...address, relativePath: "@pools" }, "invalid object pool directory");
  const outside = { storageName: TEST_STORAGE, relativePath: "../a.git" };
  await refuses(outside, "relative path escapes root directory");
  assert.equal(existsSync(path), true);
});
