import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestPool, poolAddress } from "../../testing/object-pool.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

const ALTERNATES = "objects/info/alternates";

test("linkRepositoryToObjectPool writes the path from one to the other, once", async (t) => {
  const server = await startTestServer(t);
  const member = server.repository({ relativePath: "group/member.git" });
  const pool = await createTestPool(server, member);
  const client = server.client(ObjectPoolService);
  const request = { repository: member.address, objectPool: { repository: pool.address } };
  const expected = relative(join(member.path, "objects"), join(pool.path, "objects"));
  const content = (): string => readFileSync(join(member.path, ALTERNATES), "utf8");
  await client.linkRepositoryToObjectPool(request);
  assert.equal(content(), expected);
  assert.equal(statSync(join(member.path, ALTERNATES)).mode & 0o777, 0o600);
  await client.linkRepositoryToObjectPool(request);
  assert.equal(content(), expected);
  writeFileSync(join(member.path, ALTERNATES), `${pool.path}/objects\n`);
  await client.linkRepositoryToObjectPool(request);
  assert.equal(content(), expected);
  const oid = commitFiles(pool, { borrowed: "b" });
  assert.equal(member.gitLine(["cat-file", "-t", oid]), "commit");
});

test("linkRepositoryToObjectPool leaves bitmaps to the pool", async (t) => {
  const server = await startTestServer(t);
  const member = server.repository();
  member.git(["update-ref", "refs/heads/main", commitFiles(member, { a: "a" })]);
  member.git(["repack", "-adb"]);
  const pool = await createTestPool(server, member);
  const bitmaps = (path: string): string[] =>
    readdirSync(join(path, "objects/pack")).filter((name) => name.endsWith(".bitmap"));
  assert.deepEqual([bitmaps(pool.path).length, bitmaps(member.path).length], [1, 1]);
  const request = { repository: member.address, objectPool: { repository: pool.address } };
  await server.client(ObjectPoolService).linkRepositoryToObjectPool(request);
  assert.deepEqual([bitmaps(pool.path).length, bitmaps(member.path).length], [1, 0]);
});

test("linkRepositoryToObjectPool refuses what isn't right", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(ObjectPoolService);
  const member = server.repository();
  const pool = await createTestPool(server, member);
  const objectPool = { repository: pool.address };
  await assertRepositoryErrors((repository) =>
    client.linkRepositoryToObjectPool(repository ? { repository, objectPool } : { objectPool }),
  );
  const refuses = (
    address: typeof pool.address | undefined,
    kind: string,
    message: string,
  ): Promise<void> => {
    const named = address ? { objectPool: { repository: address } } : {};
    const request = { repository: member.address, ...named };
    return assert.rejects(client.linkRepositoryToObjectPool(request), { kind, message });
  };
  await refuses(undefined, "invalid-argument", "repository not set");
  await refuses(member.address, "invalid-argument", "invalid object pool directory");
  const missing = "object pool is not a valid git repository";
  await refuses(poolAddress(7), "failed-precondition", missing);
  const alternates = join(member.path, ALTERNATES);
  writeFileSync(`${alternates}.lock`, "");
  const locked = "committing alternates: locking file: file already locked";
  await refuses(pool.address, "internal", locked);
  assert.equal(existsSync(alternates), false);
  writeFileSync(alternates, "mock/objects\n");
  await refuses(pool.address, "internal", 'unexpected alternates content: "mock/objects"');
  assert.equal(readFileSync(alternates, "utf8"), "mock/objects\n");
});

test("servers of a transaction vote on the link", async (t) => {
  const server = await startTestServer(t);
  const member = server.repository();
  const pool = await createTestPool(server, member);
  const request = { repository: member.address, objectPool: { repository: pool.address } };
  const alternates = join(member.path, ALTERNATES);
  const aborted = beginTransaction(t, server, "prepared");
  await assert.rejects(
    createClient(ObjectPoolService, aborted.channel).linkRepositoryToObjectPool(request, aborted),
    {
      kind: "internal",
      message:
        "committing alternates: voting on locked file: preimage vote at prepared phase: transaction was aborted",
    },
  );
  assert.deepEqual(readdirSync(join(member.path, "objects/info")), []);
  const { channel, metadata, votes } = beginTransaction(t, server);
  const client = createClient(ObjectPoolService, channel);
  await client.linkRepositoryToObjectPool(request, { metadata });
  const [preparing = ""] = votesOn("preparing commit locked file");
  assert.deepEqual(votes, [preparing, ...votesOn(readFileSync(alternates)).slice(1)]);
});
