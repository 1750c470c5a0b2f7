import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import {
  createTestRepository,
  type TestRepository,
  temporaryDirectory,
} from "../../testing/git-repository.ts";
import { eventually } from "../../testing/processes.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer, type TestServer } from "../../testing/test-server.ts";
import { beginTransaction } from "../../testing/transaction-client.ts";

test("fetchBundle takes over the references of a bundle and keeps the others", async (t) => {
  const { server, source, bundle } = await setUp(t);
  const repository = server.repository();
  const kept = writeCommit(repository, { content: "kept\n", ref: "refs/heads/kept" });
  writeCommit(repository, { content: "replaced\n", ref: "refs/heads/main" });
  await server
    .client(RepositoryService)
    .fetchBundle([
      { repository: repository.address, data: bundle.subarray(0, 9) },
      { data: bundle.subarray(9) },
    ]);
  const expected = [`${kept} commit\trefs/heads/kept`, ...source.gitLines(["for-each-ref"])];
  assert.deepEqual(repository.gitLines(["for-each-ref"]), expected);
  assert.equal(repository.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/main");
  assert.deepEqual(leftovers(server), []);
});

test("fetchBundle lets HEAD name the branch that it names in the bundle", async (t) => {
  const { server, source } = await setUp(t);
  source.git(["symbolic-ref", "HEAD", "refs/heads/next"]);
  writeCommit(source, { content: "next\n", ref: "refs/heads/next" });
  const repository = server.repository();
  const client = server.client(RepositoryService);
  const data = bundleOf(t, source, ["--all", "HEAD"]);
  await client.fetchBundle([{ repository: repository.address, data, updateHead: true }]);
  assert.equal(repository.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/next");
});

test("fetchBundle changes nothing when the bundle is cut or no bundle at all", async (t) => {
  const { server, bundle } = await setUp(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  const client = server.client(RepositoryService);
  for (const data of [
    bundle.subarray(0, bundle.length - 30),
    Buffer.from("text"),
    Buffer.alloc(0),
  ]) {
    const call = client.fetchBundle([{ repository: repository.address, data }]);
    await assert.rejects(call, { kind: "internal", message: /^fetch bundle: exit status 1(28)?/ });
    assert.deepEqual(repository.gitLines(["for-each-ref"]), [`${commit} commit\trefs/heads/main`]);
  }
  assert.deepEqual(leftovers(server), []);
});

test("fetchBundle changes nothing when it is cancelled before the bundle is there", async (t) => {
  const { server, bundle } = await setUp(t);
  const repository = server.repository();
  const controller = new AbortController();
  async function* half() {
    yield { repository: repository.address, data: bundle.subarray(0, 100) };
    const folder = join(server.storagePath, "+gitaly", "tmp");
    await eventually("the bundle is received", 60_000, () => existsSync(folder));
    controller.abort();
    yield { data: bundle.subarray(100) };
  }
  const client = server.client(RepositoryService);
  await assert.rejects(client.fetchBundle(half(), { signal: controller.signal }));
  assert.deepEqual(repository.gitLines(["for-each-ref"]), []);
});

test("fetchBundle changes nothing when other servers don't agree", async (t) => {
  const { server, bundle } = await setUp(t);
  const repository = server.repository();
  const { channel, metadata } = beginTransaction(t, server, "prepared");
  const client = createClient(RepositoryService, channel);
  const call = client.fetchBundle([{ repository: repository.address, data: bundle }], { metadata });
  await assert.rejects(call, { message: /^fetch bundle: exit status/ });
  assert.deepEqual(repository.gitLines(["for-each-ref"]), []);
});

test("fetchBundle tells when other servers don't agree on HEAD", async (t) => {
  const { server, source } = await setUp(t);
  source.git(["symbolic-ref", "HEAD", "refs/heads/next"]);
  writeCommit(source, { content: "next\n", ref: "refs/heads/next" });
  const data = bundleOf(t, source, ["--all"]);
  const repository = server.repository();
  let prepared = 0;
  const { channel, metadata } = beginTransaction(t, server, undefined, async (phase) => {
    if (phase === "prepared") prepared += 1;
    if (prepared === 2) throw new Error("no");
  });
  const call = createClient(RepositoryService, channel).fetchBundle(
    [{ repository: repository.address, data, updateHead: true }],
    { metadata },
  );
  await assert.rejects(call, {
    kind: "internal",
    message: "fetch bundle: update head from bundle: commit: exit status 128",
  });
  assert.equal(repository.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/main");
});

test("fetchBundle refuses repositories that aren't there", async (t) => {
  const { server, bundle } = await setUp(t);
  const client = server.client(RepositoryService);
  await assertRepositoryErrors((repository) =>
    client.fetchBundle([{ ...(repository && { repository }), data: bundle }]),
  );
  await assert.rejects(client.fetchBundle([]), { kind: "internal", message: "first request: EOF" });
});

async function setUp(t: TestContext) {
  const server = await startTestServer(t);
  const source = createTestRepository(t);
  const main = writeCommit(source, { ref: "refs/heads/main" });
  source.git(["tag", "-a", "-m", "release", "v1", main]);
  return { server, source, bundle: bundleOf(t, source, ["--all"]) };
}

function bundleOf(t: TestContext, source: TestRepository, what: readonly string[]): Buffer {
  const path = join(temporaryDirectory(t), "bundle");
  source.git(["bundle", "create", "-q", path, ...what]);
  return readFileSync(path);
}

function leftovers({ storagePath }: TestServer): string[] {
  const folder = join(storagePath, "+gitaly", "tmp");
  return existsSync(folder) ? readdirSync(folder) : [];
}
