import assert from "node:assert/strict";
import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import {
  RepositoryInfoResponse_ObjectsInfoSchema as ObjectsInfoSchema,
  RepositoryInfoResponse_ReferencesInfo_ReferenceBackend as ReferenceBackend,
  RepositoryInfoResponse_ReferencesInfoSchema as ReferencesInfoSchema,
  type RepositoryInfoResponse,
  RepositoryInfoResponseSchema,
  RepositoryService,
} from "../../proto/repository_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import {
  type ServedRepository,
  startTestServer,
  TEST_STORAGE,
  type TestServer,
} from "../../testing/test-server.ts";

type Expected = MessageInitShape<typeof RepositoryInfoResponseSchema>;

/** A server with a bare repository that has nothing but what git itself needs. */
async function setUp(
  t: TestContext,
  options: Parameters<TestServer["repository"]>[0] = {},
): Promise<{ server: TestServer; repository: ServedRepository }> {
  const server = await startTestServer(t);
  const repository = server.repository(options);
  rmSync(join(repository.path, "hooks"), { recursive: true });
  return { server, repository };
}

async function ask(
  server: TestServer,
  { address }: ServedRepository,
): Promise<RepositoryInfoResponse> {
  return server.client(RepositoryService).repositoryInfo({ repository: address });
}

function write(size: number, ...path: readonly string[]): string {
  const file = join(...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, Buffer.alloc(size));
  return file;
}

function makeStale(path: string): void {
  const tenDaysAgo = Date.now() / 1000 - 10 * 24 * 60 * 60;
  utimesSync(path, tenDaysAgo, tenDaysAgo);
}

/** Compares all fields; those left out have to be unset, which is how the empty ones look. */
function assertInfo(actual: RepositoryInfoResponse, expected: Expected): void {
  const wanted = create(RepositoryInfoResponseSchema, expected);
  wanted.references ??= create(ReferencesInfoSchema, { referenceBackend: ReferenceBackend.FILES });
  wanted.objects ??= create(ObjectsInfoSchema);
  const options = { alwaysEmitImplicit: true };
  assert.deepEqual(
    toJson(RepositoryInfoResponseSchema, actual, options),
    toJson(RepositoryInfoResponseSchema, wanted, options),
  );
}

test("repositoryInfo describes an empty repository", async (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const { server, repository } = await setUp(t, { format });
    const info = await ask(server, repository);
    assert.ok(info.size > 0n);
    assertInfo(info, { size: info.size });
  }
});

test("repositoryInfo counts references stored as files", async (t) => {
  const { server, repository } = await setUp(t);
  const { size } = await ask(server, repository);
  write(123, repository.path, "refs/heads/main");
  write(1000, repository.path, "packed-refs");
  assertInfo(await ask(server, repository), {
    size: size + 1123n,
    references: { looseCount: 1n, packedSize: 1000n, referenceBackend: ReferenceBackend.FILES },
  });
});

test("repositoryInfo counts no references in reftables", async (t) => {
  const { server, repository } = await setUp(t, { refFormat: "reftable" });
  const { size } = await ask(server, repository);
  assertInfo(await ask(server, repository), {
    size,
    references: { referenceBackend: ReferenceBackend.REFTABLE },
  });
});

test("repositoryInfo counts loose objects, stale ones and what is none", async (t) => {
  const { server, repository } = await setUp(t);
  const { size } = await ask(server, repository);
  write(70, repository.path, "objects/00", "0".repeat(38));
  makeStale(write(700, repository.path, "objects/11", "1".repeat(38)));
  write(1000, repository.path, "objects/17/garbage");
  assertInfo(await ask(server, repository), {
    size: size + 1770n,
    objects: {
      size: 770n,
      recentSize: 70n,
      staleSize: 700n,
      looseObjectsCount: 2n,
      staleLooseObjectsCount: 1n,
      looseObjectsGarbageCount: 1n,
    },
  });
});

test("repositoryInfo tells apart packs of each kind", async (t) => {
  const { server, repository } = await setUp(t);
  const { size } = await ask(server, repository);
  const folder = join(repository.path, "objects/pack");
  write(70, folder, "pack-1.pack");
  write(700, folder, "pack-2.pack");
  write(100, folder, "pack-2.keep");
  write(7000, folder, "pack-3.pack");
  write(1000, folder, "pack-3.mtimes");
  write(10, folder, "pack-3.rev");
  write(5, folder, "tmp_pack_123");
  const stamp = write(0, repository.path, ".gitaly-full-repack-timestamp");
  utimesSync(stamp, 1_600_000_000.9, 1_600_000_000.9);
  assertInfo(await ask(server, repository), {
    size: size + 8885n,
    objects: {
      size: 7770n,
      recentSize: 770n,
      keepSize: 700n,
      staleSize: 7000n,
      packfileCount: 3n,
      keepCount: 1n,
      cruftCount: 1n,
      reverseIndexCount: 1n,
    },
    lastFullRepack: { seconds: 1_600_000_000n },
  });
});

function addCommit({ gitLine, git }: ServedRepository, branch: string): void {
  const tree = gitLine(["hash-object", "-w", "-t", "tree", "--stdin"]);
  git(["update-ref", `refs/heads/${branch}`, gitLine(["commit-tree", "-m", branch, tree])]);
}

test("repositoryInfo describes commit-graphs", async (t) => {
  const { server, repository } = await setUp(t, { format: "sha256" });
  const write = ["-c", "commitGraph.generationVersion=2", "commit-graph", "write", "--reachable"];
  addCommit(repository, "one");
  repository.git([...write, "--changed-paths"]);
  const single = (await ask(server, repository)).commitGraph;
  assert.equal(single?.commitGraphChainLength, 0n);
  assert.equal(single.hasBloomFilters, true);
  assert.equal(single.hasGenerationData, true);
  assert.equal(single.hasGenerationDataOverflow, false);
  rmSync(join(repository.path, "objects/info/commit-graph"));
  repository.git([...write, "--split=no-merge"]);
  addCommit(repository, "two");
  repository.git([...write, "--split=no-merge"]);
  const chain = (await ask(server, repository)).commitGraph;
  assert.equal(chain?.commitGraphChainLength, 2n);
  assert.equal(chain.hasBloomFilters, false);
});

test("repositoryInfo describes bitmaps and multi-pack-indexes", async (t) => {
  const { server, repository } = await setUp(t);
  addCommit(repository, "main");
  const settings = ["pack.writeBitmapLookupTable=true", "pack.writeBitmapHashCache=true"];
  const repack = [...settings.flatMap((setting) => ["-c", setting]), "repack", "-Adb"];
  repository.git(repack);
  const packed = await ask(server, repository);
  const bitmap = { hasHashCache: true, hasLookupTable: true, version: 1n };
  assertInfo(packed, {
    size: packed.size,
    references: { looseCount: 1n, referenceBackend: ReferenceBackend.FILES },
    objects: {
      size: packed.objects?.size ?? 0n,
      recentSize: packed.objects?.size ?? 0n,
      packfileCount: 1n,
      reverseIndexCount: 1n,
    },
    bitmap,
  });
  repository.git([...repack, "--write-midx"]);
  const { multiPackIndex, multiPackIndexBitmap } = await ask(server, repository);
  assert.equal(multiPackIndex?.packfileCount, 1n);
  assert.equal(multiPackIndex.version, 1n);
  assert.equal(multiPackIndex.hasBitmappedPacks, true);
  assert.equal(multiPackIndex.hasReverseIndex, true);
  assert.equal(multiPackIndex.hasLargeOffsets, false);
  const { $typeName: _, ...actual } = multiPackIndexBitmap ?? {};
  assert.deepEqual(actual, bitmap);
});

test("repositoryInfo adds what is borrowed from an object pool", async (t) => {
  const { server, repository } = await setUp(t);
  const pool = server.repository({
    relativePath: `@pools/ab/cd/abcd${"0".repeat(60)}.git`,
  });
  write(123, pool.path, "objects/pack/pack-1234.pack");
  write(123, pool.path, "objects/ef/12");
  write(456, repository.path, "objects/ab/10");
  const own = await ask(server, repository);
  const poolInfo = await ask(server, pool);
  assert.equal(own.isObjectPool, false);
  assert.equal(poolInfo.isObjectPool, true);
  const line = `../../${pool.address.relativePath}/objects`;
  const alternates = join(repository.path, "objects/info/alternates");
  writeFileSync(alternates, `# the pool\n\n${line}\n`);
  const { mtimeMs, size } = statSync(alternates);
  assertInfo(await ask(server, repository), {
    size: own.size + poolInfo.size + BigInt(size),
    objects: { looseObjectsCount: 2n, recentSize: 702n, size: 702n, packfileCount: 1n },
    alternates: {
      objectDirectories: [line],
      lastModified: { seconds: BigInt(Math.floor(mtimeMs / 1000)) },
    },
  });
});

test("repositoryInfo says what it can't make sense of", async (t) => {
  const { server, repository } = await setUp(t);
  const fail = async (kind: string, message: string): Promise<void> => {
    await assert.rejects(ask(server, repository), { kind, message });
  };
  const alternates = join(repository.path, "objects/info/alternates");
  writeFileSync(alternates, "../../missing.git/objects\n");
  const pool = "deriving pool loose objects info: getting repository path";
  await fail("not-found", `${pool}: repository not found`);
  writeFileSync(alternates, "/outside/objects\n");
  await fail("invalid-argument", `${pool}: relative path escapes root directory`);
  rmSync(alternates);
  writeFileSync(join(repository.path, "objects/pack/pack-1.bitmap"), "BITX\0\0\0\0");
  await fail(
    "internal",
    'deriving repository info: counting packfiles: reading bitmap info: invalid bitmap signature: "BITX"',
  );
  rmSync(join(repository.path, "config"));
  rmSync(join(repository.path, "objects/pack/pack-1.bitmap"));
  await fail(
    "internal",
    "deriving repository info: checking references: reference backend: " +
      `open: open ${repository.path}/config: no such file or directory`,
  );
});

test("repositoryInfo refuses requests that name no repository", async (t) => {
  const client = (await startTestServer(t)).client(RepositoryService);
  await assertRepositoryErrors((repository) =>
    client.repositoryInfo(repository === undefined ? {} : { repository }),
  );
  const repository = { storageName: TEST_STORAGE, relativePath: "../a" };
  await assert.rejects(client.repositoryInfo({ repository }), {
    kind: "invalid-argument",
    message: "relative path escapes root directory",
  });
});
