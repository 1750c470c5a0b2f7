import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestPool } from "../../testing/object-pool.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

/** A repository that has some of its objects from a pool only, packed ones and a loose one. */
async function setUp(t: TestContext, format: "sha1" | "sha256" = "sha1") {
  const server = await startTestServer(t);
  const member = server.repository({ format });
  const pool = await createTestPool(server, member);
  const packed = commitFiles(pool, { a: "a" });
  pool.git(["update-ref", "refs/heads/main", packed]);
  pool.git(["repack", "-ad"]);
  const loose = commitFiles(pool, { b: "b" });
  const request = { repository: member.address };
  const client = server.client(ObjectPoolService);
  await client.linkRepositoryToObjectPool({ ...request, objectPool: { repository: pool.address } });
  member.git(["update-ref", "refs/heads/main", packed]);
  member.git(["update-ref", "refs/heads/other", loose]);
  const alternates = join(member.path, "objects/info/alternates");
  return { server, client, member, pool, request, alternates };
}

test("disconnectGitAlternates leaves a whole repository", async (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const { server, client, member, pool, request, alternates } = await setUp(t, format);
    const before = readFileSync(alternates, "utf8");
    await client.disconnectGitAlternates(request);
    assert.equal(existsSync(alternates), false);
    rmSync(pool.path, { recursive: true });
    assert.equal(member.git(["fsck", "--strict"]).length, 0);
    assert.equal(member.gitLines(["rev-list", "--all"]).length, 2);
    const [backup = "", ...others] = readdirSync(join(member.path, "objects/info"));
    assert.match(backup, /^alternates\.\d+\.[0-9a-f]{12}$/);
    assert.deepEqual(others, []);
    assert.equal(readFileSync(join(member.path, "objects/info", backup), "utf8"), before);
    assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
    await client.disconnectGitAlternates(request);
  }
});

test("disconnectGitAlternates keeps borrowing when something would be missing", async (t) => {
  const { server, client, member, pool, request, alternates } = await setUp(t);
  const before = readFileSync(alternates, "utf8");
  writeFileSync(join(member.path, "refs/heads/broken"), `${"1".repeat(40)}\n`);
  await assert.rejects(client.disconnectGitAlternates(request), {
    kind: "internal",
    message: "git connectivity error while disconnected: exit status 128",
  });
  assert.equal(readFileSync(alternates, "utf8"), before);
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
  writeFileSync(alternates, `${pool.path}/objects\n/other\n`);
  await assert.rejects(client.disconnectGitAlternates(request), {
    kind: "internal",
    message: "multiple alternate object directories",
  });
  const none = join(server.storagePath, "none");
  writeFileSync(alternates, `${none}\n`);
  await assert.rejects(client.disconnectGitAlternates(request), {
    kind: "internal",
    message: `stat ${none}: no such file or directory`,
  });
  writeFileSync(none, "");
  await assert.rejects(client.disconnectGitAlternates(request), {
    kind: "internal",
    message: "alternate object entry is not a directory",
  });
  mkdirSync(join(server.storagePath, "empty"));
  await assertRepositoryErrors((repository) =>
    client.disconnectGitAlternates(repository ? { repository } : {}),
  );
});

test("servers of a transaction vote on both steps", async (t) => {
  const { server, member, request, alternates } = await setUp(t);
  const before = readFileSync(alternates, "utf8");
  const aborted = beginTransaction(t, server, "preparing");
  const refused = createClient(ObjectPoolService, aborted.channel);
  await assert.rejects(refused.disconnectGitAlternates(request, aborted), {
    kind: "internal",
    message: "preparatory vote for migrating objects: transaction was aborted",
  });
  assert.equal(readFileSync(alternates, "utf8"), before);
  assert.deepEqual(readdirSync(join(member.path, "objects")).sort(), ["info", "pack"]);
  const { channel, metadata, votes } = beginTransaction(t, server);
  await createClient(ObjectPoolService, channel).disconnectGitAlternates(request, { metadata });
  assert.deepEqual(votes, [...votesOn("migrate objects"), ...votesOn("disconnect alternate")]);
});
