import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import {
  createTestRepository,
  openTestRepository,
  type TestRepository,
} from "../../testing/git-repository.ts";
import { collect } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import { testPushContext } from "../../testing/test-push-context.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";
import { UploadAdvertiser } from "./upload-advertiser.ts";
import { NO_BUNDLE_URI } from "./upload-pack-config.ts";

/** Changes nothing, but isn't known to us: such a repository is left to git. */
const LEFT_TO_GIT = ["uploadpack.keepAlive", "5"] as const;

const PROTOCOLS = ["", "version=0", "version=1", "version=2"];

async function advertise(
  server: TestServer,
  relativePath: string,
  gitProtocol: string,
  gitConfigOptions: string[] = [],
): Promise<string> {
  const repository = { storageName: "default", relativePath };
  const request = { repository, gitProtocol, gitConfigOptions };
  const replies = server.client(SmartHTTPService).infoRefsUploadPack(request);
  const data = (await collect(replies)).map((reply) => reply.data);
  return Buffer.concat(data).toString("latin1");
}

/** Asserts that the repository is advertised as git advertises its twin. */
async function assertAlike(
  server: TestServer,
  repository: ServedRepository,
  options: string[] = [],
): Promise<void> {
  const { relativePath } = repository.address;
  const twin = `twin-of-${relativePath}`;
  const path = join(server.storagePath, twin);
  cpSync(repository.path, path, { recursive: true });
  openTestRepository(path, repository.format).git(["config", ...LEFT_TO_GIT]);
  for (const protocol of PROTOCOLS) {
    const expected = await advertise(server, twin, protocol, options);
    assert.equal(await advertise(server, relativePath, protocol, options), expected, protocol);
  }
}

async function setUp(t: TestContext, options: Parameters<TestServer["repository"]>[0] = {}) {
  const server = await startTestServer(t);
  return { server, repository: server.repository(options) };
}

for (const format of ["sha1", "sha256"] as const) {
  for (const refFormat of ["files", "reftable"] as const) {
    test(`${format}, ${refFormat}: fetches are advertised as git does`, async (t) => {
      const { server, repository } = await setUp(t, { format, refFormat });
      await assertAlike(server, repository);
      const main = writeCommit(repository, { ref: "refs/heads/main" });
      const tag = ["tag", "-a", "-m", "release"];
      repository.git([...tag, "v1", main]);
      repository.git([...tag, "v2", "v1"]);
      repository.git(["tag", "light", main]);
      repository.git(["update-ref", "refs/keep-around/a", main]);
      repository.git(["symbolic-ref", "refs/heads/link", "refs/heads/main"]);
      const many = Array.from(
        { length: 1500 },
        (_, index) => `create refs/many/${index} ${main}\n`,
      );
      repository.git(["update-ref", "--stdin"], { input: many.join("") });
      const other = server.repository({ format, refFormat, relativePath: "other.git" });
      cpSync(repository.path, other.path, { recursive: true });
      await assertAlike(server, other);
      repository.git(["pack-refs", "--all"]);
      repository.git(["update-ref", "--no-deref", "HEAD", main]);
      await assertAlike(server, repository);
    });
  }
}

async function advertiser(t: TestContext, repository: TestRepository) {
  const metrics = new MetricRegistry();
  const needs = { git: await startTestGitRunner(t), repositories: new RepositoryCache(), metrics };
  t.after(() => needs.repositories.close());
  const uploads = new UploadAdvertiser(needs);
  const { repository: located } = testPushContext(repository);
  const own = (protocol?: string) => uploads.advertise(located, NO_BUNDLE_URI, protocol);
  return { own, metrics };
}

test("a usual repository is advertised without git, one with unusual settings isn't", async (t) => {
  const repository = createTestRepository(t);
  const main = writeCommit(repository, { ref: "refs/heads/main" });
  const { own } = await advertiser(t, repository);
  assert.match(Buffer.concat((await own()) ?? []).toString(), new RegExp(`${main} HEAD`));
  assert.match(Buffer.concat((await own("version=2")) ?? []).toString(), /ls-refs=unborn/);
  assert.equal(await own("version=2:other"), undefined);
  repository.git(["config", ...LEFT_TO_GIT]);
  assert.equal(await own(), undefined);
});

for (const refFormat of ["files", "reftable"] as const) {
  test(`an advertisement is kept until something changes, ${refFormat}`, async (t) => {
    const { server, repository } = await setUp(t, { refFormat });
    const main = writeCommit(repository, { ref: "refs/heads/main" });
    const changes: string[][] = [
      ["update-ref", "refs/heads/a", main],
      ["tag", "-a", "-m", "one", "v1", main],
      ["tag", "-f", "-a", "-m", "two", "v1", main],
      ["symbolic-ref", "HEAD", "refs/heads/a"],
      ["update-ref", "--no-deref", "HEAD", main],
      ["pack-refs", "--all"],
      ["update-ref", "-d", "refs/heads/a"],
      ["config", "transfer.hideRefs", "refs/tags"],
    ];
    await assertAlike(server, repository);
    for (const [index, change] of changes.entries()) {
      repository.git(change);
      const twin = server.repository({ refFormat, relativePath: `change-${index}.git` });
      cpSync(repository.path, twin.path, { recursive: true });
      // A repository that was never asked for is made anew.
      for (const protocol of PROTOCOLS) {
        const fresh = await advertise(server, twin.address.relativePath, protocol);
        const { relativePath } = repository.address;
        assert.equal(await advertise(server, relativePath, protocol), fresh, String(change));
        assert.equal(await advertise(server, relativePath, protocol), fresh, String(change));
      }
    }
  });
}

test("an advertisement that nothing has changed is made once", async (t) => {
  const repository = createTestRepository(t, { refFormat: "reftable" });
  writeCommit(repository, { ref: "refs/heads/main" });
  const { own, metrics } = await advertiser(t, repository);
  const first = await own();
  assert.equal(await own(), first);
  assert.notEqual(await own("version=1"), first);
  const shown = metrics.render();
  assert.ok(shown.includes("gitaly_inforef_cache_attempt_total 3\n"), shown);
  assert.ok(shown.includes('gitaly_inforef_cache_hit_miss_total{type="hit"} 1\n'), shown);
  assert.ok(shown.includes('gitaly_inforef_cache_hit_miss_total{type="miss"} 2\n'), shown);
});

test("settings of remotes leave the advertisement as it is, partial clones are left to git", async (t) => {
  const repository = createTestRepository(t);
  const { own } = await advertiser(t, repository);
  repository.git(["config", "remote.origin.url", "https://example.com/a.git"]);
  assert.ok(await own());
  repository.git(["config", "remote.origin.promisor", "true"]);
  assert.equal(await own(), undefined);
});

test("references that are hidden aren't advertised, whoever hides them", async (t) => {
  const { server, repository } = await setUp(t);
  const main = writeCommit(repository, { ref: "refs/heads/main" });
  for (const name of ["refs/environments/a", "refs/secret/a", "refs/secret/b", "refs/own/a"]) {
    repository.git(["update-ref", name, main]);
  }
  const input = `create refs/heads/\u00fc ${repository.gitLine(["rev-parse", "main"])}\n`;
  repository.git(["update-ref", "--stdin"], { input });
  repository.git(["config", "transfer.hideRefs", "refs/own"]);
  await assertAlike(server, repository, [
    "transfer.hideRefs=refs/heads/\u00fc",
    "uploadpack.hideRefs=refs/secret",
    "uploadpack.hideRefs=!refs/secret/b",
  ]);
});

test("HEAD that names no branch isn't advertised", async (t) => {
  const { server, repository } = await setUp(t);
  writeCommit(repository, { ref: "refs/heads/other" });
  await assertAlike(server, repository);
});

test("damaged references are left to git", async (t) => {
  const server = await startTestServer(t);
  const broken = server.repository();
  writeCommit(broken, { ref: "refs/heads/main" });
  const commit = writeCommit(broken, { content: "lost\n", ref: "refs/heads/lost" });
  rmSync(join(broken.path, "objects", commit.slice(0, 2), commit.slice(2)));
  const { relativePath } = broken.address;
  assert.match(await advertise(server, relativePath, ""), /refs\/heads\/main\n/);
});
