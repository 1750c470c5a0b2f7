import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("repositorySize counts all files in whole KiB", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const refFormat of ["files", "reftable"] as const) {
    const { address, path, git } = server.repository({ refFormat });
    rmSync(join(path, "hooks"), { recursive: true });
    const size = async (): Promise<bigint> =>
      (await client.repositorySize({ repository: address })).size;
    assert.equal(await size(), 0n);
    git(["hash-object", "-w", "--stdin"], { input: randomBytes(16 * 1024) });
    assert.equal(await size(), 16n);
    writeFileSync(join(path, "garbage"), randomBytes(5 * 1024));
    assert.equal(await size(), 21n);
  }
});

test("repositorySize leaves out the object pool", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const pool = server.repository();
  pool.git(["hash-object", "-w", "--stdin"], { input: randomBytes(16 * 1024) });
  const { address, path } = server.repository();
  writeFileSync(join(path, "objects/info/alternates"), join(pool.path, "objects"));
  rmSync(join(path, "hooks"), { recursive: true });
  assert.equal((await client.repositorySize({ repository: address })).size, 0n);
});

test("repositorySize refuses requests that name no repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  await assert.rejects(client.repositorySize({}), {
    kind: "invalid-argument",
    message: "repository not set",
  });
  const repository = { storageName: TEST_STORAGE, relativePath: "missing.git" };
  await assert.rejects(client.repositorySize({ repository }), {
    kind: "not-found",
    message: "repository not found",
  });
});
