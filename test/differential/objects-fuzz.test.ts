import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type TestContext, test } from "node:test";
import { DomainError } from "../../src/base/error/domain-error.ts";
import { CorruptObjectError, ObjectNotFoundError } from "../../src/git/object/object-error.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../src/git/oid/oid.ts";
import { ReaderResources } from "../../src/git/pack/reader-resources.ts";
import type { GitRepository } from "../../src/git/repository/git-repository.ts";
import { RepositoryCache } from "../../src/git/repository/repository-cache.ts";
import { createTestRepository, type TestRepository } from "../../src/testing/git-repository.ts";
import { generateHistory } from "./objects-fixture.ts";
import { Random, testSeed } from "./objects-random.ts";

const FORMATS: readonly ObjectFormat[] = ["sha1", "sha256"];

/** Damaged repositories for each kind of file; more with GITALY_TEST_FUZZ_COUNT. */
const COUNT = Number.parseInt(process.env["GITALY_TEST_FUZZ_COUNT"] ?? "40", 10);

/** Far more than any of these small repositories needs, far less than a lying number asks for. */
const MEMORY_BYTES_MAX = 600 * 1024 * 1024;

const KINDS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["pack index", /\.idx$/],
  ["pack", /\.pack$/],
  ["multi-pack-index", /multi-pack-index$|\.midx$|-chain$/],
  ["commit-graph", /commit-graph$|\.graph$|commit-graph-chain$/],
  ["loose object", /[0-9a-f]{2}\/[0-9a-f]{38,62}$/],
];

const { signal } = new AbortController();

/** Makes a repository that has files of all kinds. */
function makeRepository(t: TestContext, format: ObjectFormat, random: Random): TestRepository {
  const repository = createTestRepository(t, { format });
  const split = random.oneIn(2);
  for (let i = 0; i < 2; i++) {
    generateHistory(repository, random, { commits: 15 });
    repository.git(["-c", `pack.indexVersion=${1 + random.below(2)}`, "repack", "-dq"]);
    repository.git(["multi-pack-index", "write", ...(split ? ["--incremental"] : [])]);
    const graph = ["commit-graph", "write", "--reachable", "--changed-paths", "--no-progress"];
    repository.git([...graph, ...(split ? ["--split=no-merge"] : [])]);
  }
  generateHistory(repository, random, { commits: 5 });
  for (let i = 0; i < 5; i++) {
    const input = "loose ".repeat(random.below(2000));
    repository.git(["hash-object", "-w", "--stdin"], { input });
  }
  return repository;
}

function listFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

/** Numbers that lie best: around zero, around the largest, and just beyond what is there. */
const LIES = [0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 0x70000000];

function damage(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length === 0) return copy;
  const place = random.oneIn(3)
    ? random.below(Math.min(copy.length, 64))
    : random.below(copy.length);
  switch (random.below(6)) {
    case 0:
      copy[place] = (copy[place] ?? 0) ^ (1 << random.below(8));
      return copy;
    case 1:
      copy[place] = random.below(256);
      return copy;
    case 2:
      return copy.subarray(0, place);
    case 3: {
      const start = Math.min(place - (place % 4), Math.max(copy.length - 4, 0));
      if (copy.length >= 4) copy.writeUInt32BE(random.pick(LIES), start);
      return copy;
    }
    case 4: {
      // A stretch of the file in another place.
      const length = Math.min(random.below(64), copy.length - place);
      copy.copy(copy, random.below(copy.length - length + 1), place, place + length);
      return copy;
    }
    default:
      return Buffer.concat([copy.subarray(0, place), copy.subarray(random.below(copy.length))]);
  }
}

/** Only errors that say what is wrong are allowed. */
function assertTyped(error: unknown, context: string): void {
  assert.ok(error instanceof DomainError, `${context}: ${String(error)}`);
}

/** Asks everything that can be asked; wrong answers are fine for damaged files, odd errors aren't. */
async function askEverything(
  repository: GitRepository,
  oids: readonly Oid[],
  context: string,
): Promise<void> {
  const { objects, history } = repository;
  const actions: ((oid: Oid) => unknown)[] = [
    (oid) => objects.header(oid),
    (oid) => objects.read(oid),
    (oid) => objects.has(oid),
    (oid) => history.find(oid),
    (oid) => objects.oidsWithPrefix(oid.slice(0, 4)),
    (oid) => objects.load(oid, signal),
    async (oid) => {
      const stream = await objects.stream(oid, signal);
      for await (const chunk of stream?.chunks ?? []) assert.ok(chunk.length > 0);
    },
  ];
  for (const oid of oids) {
    for (const action of actions) {
      try {
        await action(oid);
      } catch (error) {
        assertTyped(error, context);
      }
    }
  }
  try {
    for (const oid of objects.oids()) assert.ok(parseOid(oid), context);
  } catch (error) {
    assertTyped(error, context);
  }
}

async function walkEverything(
  repository: GitRepository,
  commits: readonly Oid[],
  context: string,
): Promise<void> {
  const { history } = repository;
  for (const order of ["default", "date", "topo"] as const) {
    try {
      const tips = commits.map((oid) => ({ oid }));
      await history.count({ tips, order }, signal);
      const [a, b] = [commits.at(0), commits.at(-1)];
      if (a === undefined || b === undefined) return;
      await history.mergeBases([a, b], signal);
      await history.isAncestor(a, b, signal);
      await history.isAncestor(b, a, signal);
      await history.divergence(a, b, signal);
    } catch (error) {
      assertTyped(error, context);
    }
  }
}

/** Git makes its files read-only. */
function replaceFile(path: string, bytes: Buffer): void {
  rmSync(path);
  writeFileSync(path, bytes);
}

for (const format of FORMATS) {
  for (const [salt, [kind, pattern]] of KINDS.entries()) {
    test(`${format}: a damaged ${kind} gives typed errors`, { timeout: 120_000 }, async (t) => {
      const seed = testSeed();
      t.diagnostic(`GITALY_TEST_SEED=${seed}`);
      const random = new Random(seed + salt);
      const source = makeRepository(t, format, random);
      const files = listFiles(source.path);
      const targets = files.filter((file) => file.startsWith("objects/") && pattern.test(file));
      assert.ok(targets.length > 0);
      const ids = source.gitLines(["rev-list", "--all", "--objects"]);
      const oids = ids
        .map((line) => parseOid(line.split(" ")[0] ?? ""))
        .filter((oid) => oid !== undefined);
      const commits = source
        .gitLines(["rev-list", "--all"])
        .map(parseOid)
        .filter((oid) => oid !== undefined);
      for (let i = 0; i < COUNT; i++) {
        const file = random.pick(targets);
        const path = join(source.path, file);
        const original = readFileSync(path);
        let damaged = damage(original, random);
        while (random.oneIn(3)) damaged = damage(damaged, random);
        replaceFile(path, damaged);
        const context = `GITALY_TEST_SEED=${seed} round ${i} ${file}`;
        const resources = new ReaderResources();
        const cache = new RepositoryCache(resources);
        const repository = cache.open(source.path);
        const some = Array.from({ length: 25 }, () => random.pick(oids));
        await askEverything(repository, some, context);
        await walkEverything(repository, commits.slice(0, 20), context);
        cache.close();
        replaceFile(path, original);
        assert.equal(resources.files.descriptors, 0, `${context}: files are left open`);
        const { arrayBuffers } = process.memoryUsage();
        assert.ok(arrayBuffers < MEMORY_BYTES_MAX, `${context}: ${arrayBuffers} bytes`);
      }
    });
  }
}

test("the damage is noticed at all", async (t) => {
  const repository = createTestRepository(t);
  generateHistory(repository, new Random(1), { commits: 10 });
  repository.git(["repack", "-adq"]);
  const packs = join(repository.path, "objects/pack");
  for (const name of readdirSync(packs).filter((file) => file.endsWith(".pack"))) {
    const { size } = statSync(join(packs, name));
    const bytes = readFileSync(join(packs, name));
    rmSync(join(packs, name));
    writeFileSync(join(packs, name), bytes.fill(0xa5, 20, size - 20));
  }
  const cache = new RepositoryCache();
  t.after(() => cache.close());
  const [commit] = repository
    .gitLines(["for-each-ref", "--format=%(objectname)", "refs/heads"])
    .map(parseOid);
  assert.ok(commit);
  const { history, objects } = cache.open(repository.path);
  assert.throws(() => objects.read(commit), CorruptObjectError);
  await assert.rejects(
    history.count({ tips: [{ oid: commit }] }, signal),
    (error) => error instanceof CorruptObjectError || error instanceof ObjectNotFoundError,
  );
});
