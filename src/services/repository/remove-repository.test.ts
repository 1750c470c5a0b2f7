import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("removeRepository leaves nothing of the repository", async (t) => {
  const server = await startTestServer(t);
  const { address, path } = server.repository();
  await server.client(RepositoryService).removeRepository({ repository: address });
  assert.equal(existsSync(path), false);
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
});

test("removeRepository refuses a missing repository and one that is locked", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address, path } = server.repository();
  writeFileSync(`${path}.lock`, "");
  await assert.rejects(client.removeRepository({ repository: address }), {
    kind: "failed-precondition",
    message: "repository is already locked",
  });
  assert.equal(existsSync(path), true);
  const repository = { storageName: TEST_STORAGE, relativePath: "missing.git" };
  await assert.rejects(client.removeRepository({ repository }), {
    kind: "not-found",
    message: "repository not found",
  });
});
