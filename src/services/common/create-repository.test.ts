import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { openTestRepository } from "../../testing/git-repository.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

const TARGET = { storageName: TEST_STORAGE, relativePath: "made.git" };

test("servers of a transaction vote on a new repository's settings and references", async (t) => {
  const server = await startTestServer(t);
  const source = server.repository();
  source.git(["update-ref", "refs/heads/main", commitFiles(source, { a: "a" })]);
  const { channel, metadata, votes } = beginTransaction(t, server);
  const client = createClient(RepositoryService, channel);
  const request = { repository: TARGET, url: source.path };
  await client.createRepositoryFromURL(request, { metadata });
  const path = join(server.storagePath, TARGET.relativePath);
  const { git } = openTestRepository(path, "sha1");
  const format = "--format=%(refname) %(objectname) %(symref)";
  const state = Buffer.concat([
    git(["config", "list", "-f", join(path, "config")]),
    git(["for-each-ref", format, "--include-root-refs"]),
  ]);
  assert.match(state.toString(), /core\.bare=true[\s\S]*\nHEAD [0-9a-f]{40} refs\/heads\/main\n/);
  assert.deepEqual(votes, votesOn(state));
});

test("a repository that other servers don't make isn't made here", async (t) => {
  const server = await startTestServer(t);
  for (const phase of ["preparing", "prepared"] as const) {
    const { channel, metadata, votes } = beginTransaction(t, server, phase);
    const client = createClient(RepositoryService, channel);
    await assert.rejects(client.createRepository({ repository: TARGET }, { metadata }), {
      kind: "failed-precondition",
      message: "creating repository: preparatory vote: transaction was aborted",
    });
    assert.equal(votes.length, phase === "preparing" ? 1 : 2);
    assert.equal(existsSync(join(server.storagePath, TARGET.relativePath)), false);
    assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
  }
});
