import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

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

test("removeRepository lets all servers of a transaction agree", async (t) => {
  const server = await startTestServer(t);
  const { address, path } = server.repository();
  const name = address.relativePath;
  const steps = ["acquiring distributed lock", "pre-remove", "post-remove"];
  const expected = steps.map((step, index) => votesOn(`${step} ${name}`)[index]);
  for (const [phase, cast] of [
    ["preparing", 1],
    ["prepared", 2],
  ] as const) {
    const { channel, metadata, votes } = beginTransaction(t, server, phase);
    const call = createClient(RepositoryService, channel).removeRepository(
      { repository: address },
      { metadata },
    );
    const message = "vote on rename: transaction was aborted";
    await assert.rejects(call, { kind: "internal", message });
    assert.deepEqual(votes, expected.slice(0, cast));
    assert.equal(existsSync(path), true);
    assert.equal(existsSync(`${path}.lock`), false);
  }
  const { channel, metadata, votes } = beginTransaction(t, server, "committed");
  const call = createClient(RepositoryService, channel).removeRepository(
    { repository: address },
    { metadata },
  );
  const message = "vote on finalizing: transaction was aborted";
  await assert.rejects(call, { kind: "internal", message });
  assert.deepEqual(votes, expected);
  assert.equal(existsSync(path), false);
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
});
