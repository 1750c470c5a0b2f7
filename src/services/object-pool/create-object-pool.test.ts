import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { openTestRepository } from "../../testing/git-repository.ts";
import { poolAddress } from "../../testing/object-pool.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

test("createObjectPool takes all objects and references of a repository", async (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const server = await startTestServer(t);
    const origin = server.repository({ format });
    const oid = commitFiles(origin, { a: "a" });
    for (const ref of ["refs/heads/main", "refs/tags/v1"]) origin.git(["update-ref", ref, oid]);
    const repository = poolAddress(1);
    const client = server.client(ObjectPoolService);
    await client.createObjectPool({ origin: origin.address, objectPool: { repository } });
    const path = join(server.storagePath, repository.relativePath);
    const pool = openTestRepository(path, format);
    assert.deepEqual(pool.gitLines(["for-each-ref"]), origin.gitLines(["for-each-ref"]));
    assert.equal(pool.git(["fsck", "--strict"]).length, 0);
    assert.doesNotMatch(readFileSync(join(path, "config"), "utf8"), /remote/);
    // The repository doesn't join the pool.
    assert.equal(existsSync(join(origin.path, "objects/info/alternates")), false);
  }
});

test("createObjectPool keeps the object format of an empty repository", async (t) => {
  const server = await startTestServer(t);
  const origin = server.repository({ format: "sha256" });
  const repository = poolAddress(1);
  const request = { origin: origin.address, objectPool: { repository } };
  await server.client(ObjectPoolService).createObjectPool(request);
  const pool = openTestRepository(join(server.storagePath, repository.relativePath), "sha256");
  assert.equal(pool.gitLine(["rev-parse", "--show-object-format"]), "sha256");
});

test("createObjectPool says what is wrong and leaves nothing", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(ObjectPoolService);
  const origin = server.repository().address;
  const refuses = async (
    request: Parameters<typeof client.createObjectPool>[0],
    kind: string,
    message: string | RegExp,
  ): Promise<void> => assert.rejects(client.createObjectPool(request), { kind, message });
  const invalid = "invalid-argument";
  const objectPool = { repository: poolAddress(1) };
  await refuses({ objectPool }, invalid, "no origin repository");
  await refuses({ origin }, invalid, "no object pool repository");
  const wrong = ["", "group/a.git", "@pools/ab/ce/1.git", "@pools/../a.git"];
  for (const relativePath of wrong) {
    const repository = { storageName: TEST_STORAGE, relativePath };
    const request = { origin, objectPool: { repository } };
    await refuses(request, invalid, "invalid object pool directory");
  }
  const missing = { storageName: TEST_STORAGE, relativePath: "missing.git" };
  await refuses(
    { origin: missing, objectPool },
    "not-found",
    "creating object pool: getting source repository path: repository not found",
  );
  await refuses(
    { origin, objectPool: { repository: { ...poolAddress(1), storageName: "other" } } },
    invalid,
    "creating object pool: locate repository: storage name not found",
  );
  const path = join(server.storagePath, poolAddress(1).relativePath);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.lock`, "");
  const locked = "creating object pool: locking repository: file already locked";
  await refuses({ origin, objectPool }, "internal", locked);
  assert.equal(existsSync(path), false);
  mkdirSync(path, { recursive: true });
  const exists = "creating object pool: repository exists already";
  await refuses({ origin, objectPool }, "already-exists", exists);
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
});
