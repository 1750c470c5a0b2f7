import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestPool, poolAddress } from "../../testing/object-pool.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

async function setUp(t: TestContext, format: "sha1" | "sha256" = "sha1") {
  const server = await startTestServer(t);
  const origin = server.repository({ format });
  const pool = await createTestPool(server, origin);
  const client = server.client(ObjectPoolService);
  const request = { origin: origin.address, objectPool: { repository: pool.address } };
  const poolRefs = (): string[] => pool.gitLines(["for-each-ref", "--format=%(refname)"]);
  return { server, origin, pool, client, request, poolRefs };
}

test("fetchIntoObjectPool brings references and objects, and packs them", async (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const { origin, pool, client, request, poolRefs } = await setUp(t, format);
    const commit = commitFiles(origin, { a: "a" });
    const wanted = ["refs/heads/main", "refs/keep-around/1", "refs/tags/v1"];
    for (const ref of wanted) origin.git(["update-ref", ref, commit]);
    await client.fetchIntoObjectPool(request);
    const expected = wanted.map((name) => name.replace("refs/", "refs/remotes/origin/"));
    assert.deepEqual(poolRefs(), expected);
    assert.equal(pool.git(["fsck", "--strict"]).length, 0);
    const packs = readdirSync(join(pool.path, "objects/pack"));
    assert.ok(packs.includes("multi-pack-index"));
    await client.fetchIntoObjectPool(request);
    assert.deepEqual(readdirSync(join(pool.path, "objects/pack")), packs);
  }
});

test("fetchIntoObjectPool follows changed references and keeps what they led to", async (t) => {
  const { origin, pool, client, request, poolRefs } = await setUp(t);
  const [first, second] = [commitFiles(origin, { a: "1" }), commitFiles(origin, { a: "2" })];
  origin.git(["update-ref", "refs/heads/a/b", first]);
  origin.git(["update-ref", "refs/heads/main", first]);
  await client.fetchIntoObjectPool(request);
  // The name of one that goes is a folder in that of one that comes.
  origin.git(["update-ref", "-d", "refs/heads/a/b"]);
  origin.git(["update-ref", "refs/heads/a", second]);
  origin.git(["update-ref", "refs/heads/main", second]);
  await client.fetchIntoObjectPool(request);
  const heads = ["refs/remotes/origin/heads/a", "refs/remotes/origin/heads/main"];
  assert.deepEqual(poolRefs(), [`refs/dangling/${first}`, ...heads]);
  assert.equal(pool.gitLine(["rev-parse", "refs/remotes/origin/heads/main"]), second);
});

test("fetchIntoObjectPool says what is wrong", async (t) => {
  const { origin, client, request, poolRefs } = await setUp(t);
  const refuses = (
    changed: Parameters<typeof client.fetchIntoObjectPool>[0],
    kind: string,
    message: string | RegExp,
  ): Promise<void> => assert.rejects(client.fetchIntoObjectPool(changed), { kind, message });
  const { objectPool } = request;
  const invalid = "invalid-argument";
  await refuses({ objectPool }, invalid, "origin is empty");
  await refuses({ origin: origin.address }, invalid, "object pool is empty");
  const elsewhere = { origin: { ...origin.address, storageName: "other" }, objectPool };
  await refuses(elsewhere, invalid, "origin has different storage than object pool");
  const noPool = { ...request, objectPool: { repository: poolAddress(9) } };
  const notValid = "object pool invalid: object pool is not a valid git repository";
  await refuses(noPool, invalid, notValid);
  const wrong = { ...request, objectPool: { repository: origin.address } };
  await refuses(wrong, invalid, "object pool invalid: invalid object pool directory");
  const missing = { ...request, origin: { ...origin.address, relativePath: "missing.git" } };
  const notFound = "computing origin repo's path: repository not found";
  await refuses(missing, "not-found", notFound);
  writeFileSync(join(origin.path, "refs/heads/broken"), `${"1".repeat(40)}\n`);
  const failed = /^fetch into object pool: exit status \d+, stderr: ".*/;
  await refuses(request, "internal", failed);
  assert.deepEqual(poolRefs(), []);
});

test("servers of a transaction vote on what is pruned, and on what is fetched", async (t) => {
  const { server, origin, client, request, poolRefs } = await setUp(t);
  const commit = commitFiles(origin, { a: "a" });
  origin.git(["update-ref", "refs/heads/gone", commit]);
  await client.fetchIntoObjectPool(request);
  origin.git(["update-ref", "-d", "refs/heads/gone"]);
  const zero = "0".repeat(40);
  const name = "refs/remotes/origin/heads/gone";
  const aborted = beginTransaction(t, server, "prepared");
  const refused = createClient(ObjectPoolService, aborted.channel);
  await assert.rejects(refused.fetchIntoObjectPool(request, aborted), {
    kind: "internal",
    message: "pruning references: preparational vote on pruned references: transaction was aborted",
  });
  assert.deepEqual(poolRefs(), [name]);
  const { channel, metadata, votes } = beginTransaction(t, server);
  await createClient(ObjectPoolService, channel).fetchIntoObjectPool(request, { metadata });
  assert.deepEqual(votes, votesOn(`${zero} ${zero} ${name}\n`));
});
