import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("repositoryExists tells repositories from other things", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address } = server.repository();
  mkdirSync(join(server.storagePath, "folder"));
  const exists = async (relativePath: string): Promise<boolean> => {
    const repository = { storageName: TEST_STORAGE, relativePath };
    return (await client.repositoryExists({ repository })).exists;
  };
  assert.equal(await exists(address.relativePath), true);
  assert.equal(await exists("missing.git"), false);
  assert.equal(await exists("folder"), false);
});

test("repositoryExists refuses requests that name no place below a storage", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const cases = [
    { repository: undefined, message: "repository not set" },
    { repository: { storageName: "", relativePath: "" }, message: "repository not set" },
    { repository: { storageName: "", relativePath: "a" }, message: "storage name not set" },
    { repository: { storageName: TEST_STORAGE }, message: "repository path not set" },
    { repository: { storageName: "no", relativePath: "a" }, message: "storage name not found" },
    {
      repository: { storageName: TEST_STORAGE, relativePath: "../a" },
      message: "relative path escapes root directory",
    },
    {
      repository: { storageName: TEST_STORAGE, relativePath: "a\0b" },
      message: "relative path escapes root directory",
    },
  ];
  for (const { repository, message } of cases) {
    const request = repository === undefined ? {} : { repository };
    await assert.rejects(client.repositoryExists(request), { kind: "invalid-argument", message });
  }
});
