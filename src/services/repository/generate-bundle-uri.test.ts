import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { runTestGit, temporaryDirectory } from "../../testing/git-repository.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer, type TestServer } from "../../testing/test-server.ts";

async function startBundling(
  t: TestContext,
): Promise<{ readonly server: TestServer; readonly bundles: string }> {
  const bundles = temporaryDirectory(t);
  const server = await startTestServer(t, { bundleUri: { goCloudUrl: `file://${bundles}` } });
  return { server, bundles };
}

test("generateBundleUri is refused where there is no place for bundles", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const request of [{}, { repository: server.repository().address }]) {
    await assert.rejects(client.generateBundleURI(request), {
      kind: "failed-precondition",
      message: "no bundle-generation manager available",
    });
  }
});

for (const format of ["sha1", "sha256"] as const) {
  test(`generateBundleUri stores the default branch (${format})`, async (t) => {
    const { server, bundles } = await startBundling(t);
    const client = server.client(RepositoryService);
    const repository = server.repository({ format, relativePath: "group/a.git" });
    const first = writeCommit(repository, { ref: "refs/heads/main" });
    writeCommit(repository, { ref: "refs/heads/other" });
    const bundle = join(bundles, "default/group/a.git/uri/default.bundle");
    const headsOf = () => repository.gitLine(["bundle", "list-heads", bundle]);

    await client.generateBundleURI({ repository: repository.address });
    assert.equal(headsOf(), `${first} refs/heads/main`);
    const second = writeCommit(repository, { ref: "refs/heads/main", parents: [first] });
    await client.generateBundleURI({ repository: repository.address });
    assert.equal(headsOf(), `${second} refs/heads/main`);
    const clone = join(temporaryDirectory(t), "clone");
    runTestGit(["clone", "--quiet", "--bare", bundle, clone], {});
    const log = runTestGit(["-C", clone, "rev-list", "refs/heads/main"], {}).toString();
    assert.equal(log, `${second}\n${first}\n`);
  });
}

test("generateBundleUri shares bundles between the nodes of a virtual storage", async (t) => {
  const { server, bundles } = await startBundling(t);
  const repository = server.repository({ relativePath: "a.git" });
  writeCommit(repository, { ref: "refs/heads/main" });
  const metadata = { virtual_storage: "virtual" };
  const request = { repository: repository.address };
  await server.client(RepositoryService).generateBundleURI(request, { metadata });
  assert.ok(existsSync(join(bundles, "virtual/a.git/uri/default.bundle")));
});

test("generateBundleUri says why there can't be a bundle, and leaves none", async (t) => {
  const { server, bundles } = await startBundling(t);
  const client = server.client(RepositoryService);
  await assertRepositoryErrors((repository) => client.generateBundleURI({ repository }));
  const empty = server.repository();
  await assert.rejects(client.generateBundleURI({ repository: empty.address }), {
    kind: "failed-precondition",
    message:
      'generate bundle: ref "refs/heads/main" does not exist: ' +
      "create bundle: refusing to create empty bundle",
  });
  const detached = server.repository();
  const commit = writeCommit(detached, { ref: "refs/heads/main" });
  detached.git(["update-ref", "--no-deref", "HEAD", commit]);
  await assert.rejects(client.generateBundleURI({ repository: detached.address }), {
    kind: "internal",
    message: "generate bundle: resolve HEAD ref: exit status 128",
  });
  assert.deepEqual(
    readdirSync(bundles, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.includes(".bundle"),
    ),
    [],
  );
});
