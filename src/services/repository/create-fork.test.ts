import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { openTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { createTestPool } from "../../testing/object-pool.ts";
import { serversMetadata, startOtherServer } from "../../testing/other-server.ts";
import { startTestServer, TEST_STORAGE, type TestServer } from "../../testing/test-server.ts";

const TARGET = { storageName: TEST_STORAGE, relativePath: "forks/made.git" };
const REFS = ["refs/heads/main", "refs/heads/wip", "refs/tags/v1"];

function fill(repository: TestRepository): void {
  const oid = commitFiles(repository, { a: "a" });
  for (const ref of [...REFS, "refs/merge-requests/1/head"]) {
    repository.git(["update-ref", ref, oid]);
  }
}

function opened({ storagePath }: TestServer, format: "sha1" | "sha256" = "sha1"): TestRepository {
  return openTestRepository(join(storagePath, TARGET.relativePath), format);
}

const refs = ({ gitLines }: TestRepository): string[] =>
  gitLines(["for-each-ref", "--format=%(refname)"]);

function assertNothingLeft({ storagePath }: TestServer): void {
  assert.equal(existsSync(join(storagePath, TARGET.relativePath)), false);
  assert.deepEqual(readdirSync(join(storagePath, "+gitaly/tmp")), []);
}

test("createFork takes branches and tags of a repository in the same storage", async (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const server = await startTestServer(t);
    const source = server.repository({ format });
    fill(source);
    source.git(["symbolic-ref", "HEAD", "refs/heads/wip"]);
    // Nobody may get at what no reference leads to.
    const lost = source.gitLine(["hash-object", "-w", "--stdin"], { input: "secret" });
    const metadata = serversMetadata({ [TEST_STORAGE]: server });
    const request = { repository: TARGET, sourceRepository: source.address };
    await server.client(RepositoryService).createFork(request, { metadata });
    const made = opened(server, format);
    assert.deepEqual(refs(made), REFS);
    assert.equal(made.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/wip");
    assert.equal(made.git(["fsck", "--strict"]).length, 0);
    assert.throws(() => made.git(["cat-file", "-e", lost]));
    assert.doesNotMatch(readFileSync(join(made.path, "config"), "utf8"), /remote/);
    assert.equal(existsSync(join(made.path, "hooks")), false);
  }
});

test("createFork takes one branch, which becomes the default", async (t) => {
  const server = await startTestServer(t);
  const source = server.repository();
  fill(source);
  const metadata = serversMetadata({ [TEST_STORAGE]: server });
  const revision = Buffer.from("refs/heads/wip");
  const request = { repository: TARGET, sourceRepository: source.address, revision };
  await server.client(RepositoryService).createFork(request, { metadata });
  const made = opened(server);
  assert.deepEqual(refs(made), ["refs/heads/wip"]);
  assert.equal(made.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/wip");
});

test("createFork takes a branch whose name isn't UTF-8", async (t) => {
  const server = await startTestServer(t);
  const source = server.repository();
  fill(source);
  const revision = Buffer.from("refs/heads/\xe4\xff", "latin1");
  const oid = source.gitLine(["rev-parse", "wip"]);
  const input = Buffer.concat([Buffer.from("create "), revision, Buffer.from(` ${oid}\n`)]);
  source.git(["update-ref", "--stdin"], { input });
  const metadata = serversMetadata({ [TEST_STORAGE]: server });
  const request = { repository: TARGET, sourceRepository: source.address, revision };
  await server.client(RepositoryService).createFork(request, { metadata });
  const head = readFileSync(join(opened(server).path, "HEAD"), "latin1");
  assert.equal(head, `ref: ${revision.toString("latin1")}\n`);
  const unknown = {
    ...request,
    repository: { ...TARGET, relativePath: "other.git" },
    revision: Buffer.from("refs/heads/\xfe", "latin1"),
  };
  await assert.rejects(server.client(RepositoryService).createFork(unknown, { metadata }), {
    kind: "internal",
    message: /stderr: ".*Remote branch \\xfe not found in upstream origin/,
  });
});

test("createFork forks what is on another server, and leaves nothing when that is gone", async (t) => {
  const server = await startTestServer(t);
  const other = await startOtherServer(t);
  const source = other.repository();
  fill(source);
  const metadata = serversMetadata({ other: other.server });
  const request = { repository: TARGET, sourceRepository: source.address };
  const client = server.client(RepositoryService);
  const missing = { storageName: "other", relativePath: "missing.git" };
  await assert.rejects(client.createFork({ ...request, sourceRepository: missing }, { metadata }), {
    kind: "internal",
    message:
      /^creating fork: fetching source repo: exit status 128, stderr: ".*repository not found/,
  });
  const nowhere = serversMetadata({ other: "unix:/nowhere" });
  await assert.rejects(client.createFork(request, { metadata: nowhere }), {
    message: /^creating fork: fetching source repo: exit status 128/,
  });
  assertNothingLeft(server);
  await client.createFork(request, { metadata });
  assert.deepEqual(refs(opened(server)), REFS);
});

test("createFork takes objects as they are, and an empty repository too", async (t) => {
  const server = await startTestServer(t);
  const source = server.repository();
  const client = server.client(RepositoryService);
  const metadata = serversMetadata({ [TEST_STORAGE]: server });
  source.git(["symbolic-ref", "HEAD", "refs/heads/trunk"]);
  const repository = { ...TARGET, relativePath: "forks/empty.git" };
  await client.createFork({ repository, sourceRepository: source.address }, { metadata });
  const head = readFileSync(join(server.storagePath, "forks/empty.git/HEAD"), "utf8");
  // Clients know that such a fork has git's own default branch, not the source's.
  assert.match(head, /^ref: refs\/heads\/(?:master|main)\n$/);
  const blob = source.gitLine(["hash-object", "-w", "--stdin"], { input: "x" });
  const entry = `100644 blob ${blob}\tdup\n`;
  const tree = source.gitLine(["mktree"], { input: entry + entry });
  const commit = source.gitLine(["commit-tree", "-m", "m", tree]);
  source.git(["update-ref", "refs/heads/trunk", commit]);
  await client.createFork({ repository: TARGET, sourceRepository: source.address }, { metadata });
  assert.equal(opened(server).gitLine(["rev-parse", "HEAD"]), commit);
});

test("createFork says what is wrong", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const source = server.repository();
  fill(source);
  const good = { repository: TARGET, sourceRepository: source.address };
  const metadata = serversMetadata({ [TEST_STORAGE]: server, empty: "" });
  const refuses = async (
    request: Parameters<typeof client.createFork>[0],
    kind: string,
    message: string | RegExp,
    headers: Record<string, string> = metadata,
  ): Promise<void> =>
    assert.rejects(client.createFork(request, { metadata: headers }), { kind, message });
  const at = (revision: string) => ({ ...good, revision: Buffer.from(revision) });
  const invalid = "invalid-argument";
  await refuses({ sourceRepository: source.address }, invalid, "repository not set");
  const unset = "validating source repository: repository not set";
  await refuses({ repository: TARGET }, invalid, unset);
  const from = (storageName: string, relativePath: string) => ({
    ...good,
    sourceRepository: { storageName, relativePath },
  });
  const pathless = "validating source repository: repository path not set";
  await refuses(from(TEST_STORAGE, ""), invalid, pathless);
  await refuses(at("main"), invalid, "creating fork: reference is not a branch");
  await refuses(at("refs/heads/"), invalid, "creating fork: branch name is empty");
  const unknown =
    /^creating fork: fetching source repo: exit status 128, stderr: ".*Remote branch unknown not found in upstream origin/;
  await refuses(at("refs/heads/unknown"), "internal", unknown);
  const start = "creating fork: spawning fetch:";
  await refuses(from("x", "a"), invalid, `${start} no storage info for "x"`);
  await refuses(from("empty", "a"), invalid, `${start} empty Gitaly address`);
  const none = `${start} extracting Gitaly servers: empty gitaly-servers metadata`;
  await refuses(good, "internal", none, {});
  const garbled = `${start} extracting Gitaly servers: failed decoding base64: illegal base64 data at input byte 0`;
  await refuses(good, "internal", garbled, { "gitaly-servers": "!" });
  source.git(["update-ref", "--no-deref", "HEAD", commitFiles(source, { b: "b" })]);
  const insane = "creating fork: checking whether HEAD reference is sane: exit status 128";
  await refuses(good, "internal", insane);
  assertNothingLeft(server);
  mkdirSync(join(server.storagePath, TARGET.relativePath), { recursive: true });
  await refuses(good, "already-exists", "creating fork: repository exists already");
});

test("createFork shares the files of the source's pool, and can do without the pool", async (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const server = await startTestServer(t);
    const source = server.repository({ format });
    fill(source);
    source.git(["repack", "-ad"]);
    const pool = await createTestPool(server, source);
    const pools = server.client(ObjectPoolService);
    const objectPool = { repository: pool.address };
    await pools.linkRepositoryToObjectPool({ repository: source.address, objectPool });
    source.git(["repack", "-adl"]);
    const own = commitFiles(source, { a: "later" });
    source.git(["update-ref", "refs/heads/later", own]);
    const metadata = serversMetadata({ [TEST_STORAGE]: server });
    const request = { repository: TARGET, sourceRepository: source.address };
    await server.client(RepositoryService).createFork(request, { metadata });
    const made = opened(server, format);
    assert.deepEqual(refs(made), ["refs/heads/later", ...REFS].toSorted());
    const packs = (path: string): string[] =>
      readdirSync(join(path, "objects/pack")).filter((name) => name.endsWith(".pack"));
    const [shared = ""] = packs(pool.path);
    const inode = (path: string): number => statSync(join(path, "objects/pack", shared)).ino;
    assert.equal(inode(made.path), inode(pool.path));
    assert.equal(existsSync(join(made.path, "objects/info/alternates")), false);
    rmSync(pool.path, { recursive: true });
    assert.equal(made.git(["fsck", "--strict", "--no-dangling"]).length, 0);
    // Nothing but the new commit was sent.
    const others = packs(made.path).filter((name) => name !== shared);
    const count = (name: string): number =>
      made.gitLines(["show-index", `--object-format=${format}`], {
        input: readFileSync(join(made.path, "objects/pack", name.replace(".pack", ".idx"))),
      }).length;
    assert.deepEqual(others.map(count), [3]);
  }
});
