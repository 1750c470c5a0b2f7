import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  RepositoryService,
  OptimizeRepositoryRequest_Strategy as Strategy,
} from "../../proto/repository_pb.ts";
import { CallError } from "../../rpc/client/call-error.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { createTestPool } from "../../testing/object-pool.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A server, a repository with a commit, and what tidies it. */
async function setUp(t: TestContext, format: "sha1" | "sha256" = "sha1") {
  const server = await startTestServer(t);
  const repository = server.repository({ format });
  const commit = commitFiles(repository, { a: "a" });
  repository.git(["update-ref", "refs/heads/main", commit]);
  const optimize = async (
    strategy: Strategy = Strategy.UNSPECIFIED,
    { address }: ServedRepository = repository,
  ): Promise<void> => {
    const request = { repository: address, strategy };
    await server.client(RepositoryService).optimizeRepository(request);
  };
  return { server, repository, commit, optimize };
}

/** The extensions of what is in the folder of packs, sorted. */
function packFiles({ path }: ServedRepository): string[] {
  const names = readdirSync(join(path, "objects/pack"));
  return names.map((name) => name.replace(/^(pack|(multi-pack-index))-?[0-9a-f]*/, "$2")).sort();
}

function age(path: string, days: number): void {
  const seconds = (Date.now() - days * DAY_MS) / 1000;
  utimesSync(path, seconds, seconds);
}

test("optimizeRepository packs everything, with indexes, bitmap and commit-graph", async (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const { repository, optimize } = await setUp(t, format);
    await optimize();
    const made = [".idx", ".pack", ".rev", "multi-pack-index", "multi-pack-index.bitmap"];
    assert.deepEqual(packFiles(repository), made);
    const chain = join(repository.path, "objects/info/commit-graphs/commit-graph-chain");
    assert.equal(existsSync(chain), true);
    assert.equal(repository.git(["fsck", "--strict"]).length, 0);
    const before = readdirSync(join(repository.path, "objects/pack"));
    await optimize();
    assert.deepEqual(readdirSync(join(repository.path, "objects/pack")), before);
  }
});

test("optimizeRepository drops unreachable objects that are old only", async (t) => {
  const { repository, optimize } = await setUp(t);
  const lose = (content: string): string =>
    repository.gitLine(["hash-object", "-w", "--stdin"], { input: content });
  const [old, young] = [lose("old"), lose("young")];
  age(join(repository.path, "objects", old.slice(0, 2), old.slice(2)), 11);
  await optimize(Strategy.EAGER);
  assert.equal(repository.gitLine(["cat-file", "-t", young]), "blob");
  assert.throws(() => repository.git(["cat-file", "-e", old]));
  assert.ok(packFiles(repository).includes(".mtimes"));
});

test("optimizeRepository keeps everything that an object pool has", async (t) => {
  const { server, repository, optimize } = await setUp(t);
  const pool = await createTestPool(server, repository);
  const blob = pool.gitLine(["hash-object", "-w", "--stdin"], { input: "lost" });
  const file = join(pool.path, "objects", blob.slice(0, 2), blob.slice(2));
  age(file, 100);
  await optimize(Strategy.EAGER, pool);
  assert.equal(pool.gitLine(["cat-file", "-t", blob]), "blob");
  assert.ok(!packFiles(pool).includes(".mtimes"));
});

test("optimizeRepository drops what a pool has once the repository has joined it", async (t) => {
  const { server, repository, optimize } = await setUp(t);
  const pool = await createTestPool(server, repository);
  await optimize();
  const alternates = join(repository.path, "objects/info/alternates");
  writeFileSync(alternates, `${pool.path}/objects\n`);
  await optimize();
  assert.deepEqual(packFiles(repository), []);
  assert.equal(repository.git(["fsck", "--strict"]).length, 0);
});

test("optimizeRepository packs references when there are many", async (t) => {
  for (const refFormat of ["files", "reftable"] as const) {
    const server = await startTestServer(t);
    const repository = server.repository({ refFormat });
    const commit = commitFiles(repository, { a: "a" });
    const lines = Array.from({ length: 16 }, (_, at) => `create refs/heads/b${at} ${commit}\n`);
    for (const input of lines) repository.git(["update-ref", "--stdin"], { input });
    const before = repository.gitLines(["for-each-ref"]);
    const request = { repository: repository.address };
    await server.client(RepositoryService).optimizeRepository(request);
    assert.deepEqual(repository.gitLines(["for-each-ref"]), before);
    if (refFormat === "files") {
      assert.deepEqual(readdirSync(join(repository.path, "refs/heads")), []);
    }
  }
});

test("optimizeRepository removes what a killed creation or repack has left", async (t) => {
  const { repository, optimize } = await setUp(t);
  const leave = (name: string, days: number, content = ""): void => {
    const path = join(repository.path, name);
    writeFileSync(path, content);
    age(path, days);
  };
  const stale = [
    ...["objects/pack/tmp_pack_1", "objects/tmp_obj_1", "packed-refs.lock", "HEAD.lock"],
    ...["config0123456789abcdef", "objects/info/alternates0123456789abcdef"],
  ];
  const young = ["objects/pack/tmp_pack_2", "packed-refs.new", "configfedcba9876543210"];
  mkdirSync(join(repository.path, "objects/tmp_objdir-1"));
  age(join(repository.path, "objects/tmp_objdir-1"), 4);
  mkdirSync(join(repository.path, "refs/heads/gone/deep"), { recursive: true });
  for (const name of ["refs/heads/gone/deep", "refs/heads/gone"]) {
    age(join(repository.path, name), 2);
  }
  for (const name of [...stale, "refs/heads/empty", "refs/heads/main.lock"]) leave(name, 2);
  leave("objects/pack/pack-1.keep", 8, "receive-pack 1 on host");
  leave("objects/pack/pack-2.keep", 8, "kept by hand");
  for (const name of young) leave(name, 0);
  await optimize();
  const exists = (name: string): boolean => existsSync(join(repository.path, name));
  const gone = ["objects/tmp_objdir-1", "refs/heads/gone", "refs/heads/empty"];
  const locks = ["refs/heads/main.lock", "objects/pack/pack-1.keep"];
  assert.deepEqual([...stale, ...gone, ...locks].filter(exists), []);
  assert.deepEqual([...young, "objects/pack/pack-2.keep"].filter(exists).length, 4);
});

test("optimizeRepository removes settings that nobody reads", async (t) => {
  const { repository, optimize } = await setUp(t);
  const set = (key: string): unknown => repository.git(["config", "set", "--append", key, "x"]);
  for (const key of ["remote.a.url", "remote.a.url", "gitlab.fullpath", "kept.key"]) set(key);
  repository.git(["config", "core.commitGraph", "true"]);
  await optimize();
  const names = repository.gitLines(["config", "list", "--local", "--name-only"]);
  assert.deepEqual(
    names.filter((name) => !name.startsWith("core.")),
    ["kept.key"],
  );
  assert.ok(!names.includes("core.commitgraph"));
  assert.equal(statSync(join(repository.path, "config")).mode & 0o777, 0o600);
});

test("optimizeRepository says what is wrong", async (t) => {
  const { server, repository, optimize } = await setUp(t);
  const client = server.client(RepositoryService);
  await assertRepositoryErrors((address) =>
    client.optimizeRepository(address ? { repository: address } : {}),
  );
  await assert.rejects(optimize(Strategy.OFFLOADING), {
    kind: "unimplemented",
    message: "offloading feature not enabled",
  });
  await assert.rejects(optimize(Strategy.REHYDRATION), {
    kind: "invalid-argument",
    message: "offloading configuration missing sink URL",
  });
  writeFileSync(join(repository.path, "refs/heads/broken"), `${"1".repeat(40)}\n`);
  await assert.rejects(optimize(Strategy.EAGER), {
    kind: "internal",
    message: "could not repack: repack failed with error code 128",
  });
});

test("optimizeRepository says why objects can't be moved to object storage and back", async (t) => {
  const refusal = async (strategy: Strategy, goCloudUrl: string, ...urls: string[]) => {
    const offloading = { enabled: true, cacheRoot: "", goCloudUrl };
    const server = await startTestServer(t, { offloading });
    const repository = server.repository();
    for (const url of urls) repository.git(["config", "--add", "remote.offload.url", url]);
    const request = { repository: repository.address, strategy };
    return server
      .client(RepositoryService)
      .optimizeRepository(request)
      .then(
        () => "done",
        (error: unknown) =>
          error instanceof CallError ? `${error.kind}: ${error.message}` : error,
      );
  };
  const { OFFLOADING, REHYDRATION } = Strategy;
  const noSink = "invalid-argument: offloading configuration missing sink URL";
  const notOne =
    "failed-precondition: invalid offloaded repository state: offload URL must be a single non-empty string";
  const noTransactions = "internal: unable to retrieve storage node";
  const noPrefix = "invalid-argument: extract object prefix from URLs";
  const cases: [Strategy, string, string[], string][] = [
    [OFFLOADING, "", [], noSink],
    [OFFLOADING, "s3://bucket", [], noTransactions],
    [REHYDRATION, "", ["s3://bucket/a"], noSink],
    [REHYDRATION, "s3://bucket", [], "failed-precondition: repository is not offloaded"],
    [REHYDRATION, "s3://bucket", ["s3://bucket/a/b"], noTransactions],
    [REHYDRATION, "s3://bucket", ["s3://bucket/a", "s3://bucket/b"], notOne],
    [REHYDRATION, "s3://bucket", [" "], notOne],
    [REHYDRATION, "s3://bucket", ["s3://bucket/"], noPrefix],
    [REHYDRATION, "s3://bucket/in", ["s3://bucket/a"], noPrefix],
    [
      REHYDRATION,
      "s3://bucket",
      ["s3://bucket:x/a"],
      'invalid-argument: invalid URL: parse "s3://bucket:x/a": invalid port ":x" after host',
    ],
  ];
  for (const [strategy, sink, urls, expected] of cases) {
    assert.equal(await refusal(strategy, sink, ...urls), expected, `${sink} ${urls}`);
  }
});
