import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { type ServedRepository, startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

const VANITY = { storageName: "does-not-exist", relativePath: "@test/repo.git" };
const TARGET = { storageName: TEST_STORAGE, relativePath: "restored.git" };

for (const format of ["sha1", "sha256"] as const) {
  test(`restoreRepository brings back a ${format} repository from all its steps`, async (t) => {
    const { server, client, back } = await setUp(t);
    const repository = server.repository({ format });
    const first = writeCommit(repository, { ref: "refs/heads/trunk" });
    writeCommit(repository, { content: "gone\n", ref: "refs/heads/gone" });
    repository.git(["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    await back(repository, "one");
    await back(repository, "same");
    writeCommit(repository, { ref: "refs/heads/trunk", parents: [first] });
    repository.git(["update-ref", "-d", "refs/heads/gone"]);
    repository.git(["update-ref", "refs/tags/light", first]);
    writeHook(server.storagePath, repository);
    await back(repository, "two");
    await client.restoreRepository({ repository: TARGET, vanityRepository: VANITY });
    const path = join(server.storagePath, TARGET.relativePath);
    const read = (args: string[]): string[] => repository.gitLines(["--git-dir", path, ...args]);
    assert.deepEqual(read(["for-each-ref"]), repository.gitLines(["for-each-ref"]));
    assert.deepEqual(read(["symbolic-ref", "HEAD"]), ["refs/heads/trunk"]);
    assert.deepEqual(read(["rev-parse", "--show-object-format"]), [format]);
    read(["fsck", "--strict"]);
    assert.equal(readFileSync(join(path, "custom_hooks/update"), "utf8"), "#!/bin/sh\n");
  });
}

test("restoreRepository goes back to a chosen backup without fetching anything", async (t) => {
  const { server, client, sink, back } = await setUp(t);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: "refs/heads/main" });
  await back(repository, "one");
  writeCommit(repository, { ref: "refs/heads/main", parents: [first] });
  writeCommit(repository, { content: "other\n", ref: "refs/heads/other" });
  await back(repository, "two");
  writeFileSync(join(sink, "does-not-exist/@test/repo.git/one/001.bundle"), "damaged");
  const request = { repository: repository.address, vanityRepository: VANITY };
  await client.restoreRepository({ ...request, backupId: "one" });
  assert.deepEqual(repository.gitLines(["for-each-ref"]), [`${first} commit\trefs/heads/main`]);
});

test("restoreRepository makes a repository empty that was empty", async (t) => {
  const { server, client, back } = await setUp(t);
  const repository = server.repository();
  await back(repository, "one");
  writeCommit(repository, { ref: "refs/heads/main" });
  await client.restoreRepository({ repository: repository.address, vanityRepository: VANITY });
  assert.deepEqual(repository.gitLines(["for-each-ref"]), []);
});

test("restoreRepository removes a repository that has no backups", async (t) => {
  const { server, client } = await setUp(t);
  const repository = server.repository().address;
  const message = "restore repository: manifest: find latest: doesn't exist";
  const call = client.restoreRepository({ repository, vanityRepository: VANITY });
  await assert.rejects(call, { kind: "internal", message });
  assert.equal(existsSync(join(server.storagePath, repository.relativePath)), false);
});

test("restoreRepository takes the latest backup for a missing one only when told to", async (t) => {
  const { server, client, back } = await setUp(t);
  const repository = server.repository();
  const commit = writeCommit(repository, { ref: "refs/heads/main" });
  await back(repository, "one");
  repository.git(["update-ref", "-d", "refs/heads/main"]);
  const request = { repository: repository.address, vanityRepository: VANITY, backupId: "none" };
  const path = "manifests/does-not-exist/@test/repo.git/none.toml";
  const sinkMessage = `sink: new reader for "${path}": doesn't exist`;
  const message = `restore repository: manager: manifest: find: read manifest: ${sinkMessage}`;
  await assert.rejects(client.restoreRepository(request), { kind: "internal", message });
  assert.deepEqual(repository.gitLines(["for-each-ref"]), []);
  await client.restoreRepository({ ...request, useLatest: true });
  assert.deepEqual(repository.gitLines(["for-each-ref"]), [`${commit} commit\trefs/heads/main`]);
});

test("restoreRepository changes nothing when manifest or bundle is cut", async (t) => {
  const { server, client, sink, back } = await setUp(t);
  const source = server.repository();
  writeCommit(source, { content: "saved\n", ref: "refs/heads/main" });
  await back(source, "one");
  const repository = server.repository();
  const commit = writeCommit(repository, { content: "here\n", ref: "refs/heads/main" });
  const request = { repository: repository.address, vanityRepository: VANITY, backupId: "one" };
  truncateSync(join(sink, "does-not-exist/@test/repo.git/one/001.bundle"), 150);
  const doing = /^restore repository: manager: restore from bundle: restore bundle: fetch bundle: /;
  await assert.rejects(client.restoreRepository(request), { kind: "internal", message: doing });
  truncateSync(join(sink, "manifests/does-not-exist/@test/repo.git/one.toml"), 9);
  const read = /^restore repository: manager: manifest: find: read manifest: toml: /;
  await assert.rejects(client.restoreRepository(request), { kind: "internal", message: read });
  assert.deepEqual(repository.gitLines(["for-each-ref"]), [`${commit} commit\trefs/heads/main`]);
});

for (const cut of ["002.bundle", "002.refs"]) {
  test(`restoreRepository changes nothing when a later step's ${cut} is cut`, async (t) => {
    const { server, client, sink, back } = await setUp(t);
    const source = server.repository();
    const first = writeCommit(source, { content: "saved\n", ref: "refs/heads/main" });
    await back(source, "one");
    writeCommit(source, { ref: "refs/heads/main", parents: [first] });
    await back(source, "two");
    const file = join(sink, "does-not-exist/@test/repo.git/two", cut);
    truncateSync(file, readFileSync(file).length - 1);
    const repository = server.repository();
    const commit = writeCommit(repository, { content: "here\n", ref: "refs/heads/main" });
    const request = { vanityRepository: VANITY, backupId: "two" };
    const failure = { kind: "internal", message: /^restore repository: manager: restore from / };
    for (const target of [repository.address, TARGET]) {
      await assert.rejects(client.restoreRepository({ ...request, repository: target }), failure);
    }
    assert.deepEqual(repository.gitLines(["for-each-ref"]), [`${commit} commit\trefs/heads/main`]);
    assert.equal(existsSync(join(server.storagePath, TARGET.relativePath)), false);
  });
}

for (const left of [100, 700, -1024]) {
  const cut = left < 0 ? "its end" : `all but ${left} bytes`;
  test(`restoreRepository changes nothing when the hooks have lost ${cut}`, async (t) => {
    const { server, client, sink, back } = await setUp(t);
    const source = server.repository();
    writeCommit(source, { content: "saved\n", ref: "refs/heads/main" });
    writeHook(server.storagePath, source);
    await back(source, "one");
    const file = join(sink, "does-not-exist/@test/repo.git/one/001.custom_hooks.tar");
    const length = readFileSync(file).length;
    truncateSync(file, left < 0 ? length + left : left);
    const repository = server.repository();
    const commit = writeCommit(repository, { content: "here\n", ref: "refs/heads/main" });
    const setting = "local repository: set custom hooks: extracting hooks";
    const unpacking = "waiting for tar command completion: exit status 2";
    const path = '"does-not-exist/@test/repo.git/one/001.custom_hooks.tar"';
    const message = `restore repository: restore custom hooks, ${path}: ${setting}: ${unpacking}`;
    for (const target of [repository.address, TARGET]) {
      const request = { repository: target, vanityRepository: VANITY, backupId: "one" };
      await assert.rejects(client.restoreRepository(request), { kind: "internal", message });
    }
    assert.deepEqual(repository.gitLines(["for-each-ref"]), [`${commit} commit\trefs/heads/main`]);
    assert.equal(existsSync(join(server.storagePath, TARGET.relativePath)), false);
  });
}

test("restoreRepository says what is wrong with a request", async (t) => {
  const { server, client } = await setUp(t);
  const repository = server.repository().address;
  const kind = "invalid-argument";
  for (const [request, part] of [
    [{ vanityRepository: VANITY }, "repository"],
    [{ repository }, "vanity repository"],
  ] as const) {
    const message = `restore repository: ${part}: repository not set`;
    await assert.rejects(client.restoreRepository(request), { kind, message });
  }
});

test("restoreRepository needs a place with backups", async (t) => {
  const server = await startTestServer(t);
  const message = "restore repository: server-side backups are not configured";
  const call = server.client(RepositoryService).restoreRepository({});
  await assert.rejects(call, { kind: "failed-precondition", message });
});

function writeHook(storagePath: string, { address }: ServedRepository): void {
  const folder = join(storagePath, address.relativePath, "custom_hooks");
  mkdirSync(folder);
  writeFileSync(join(folder, "update"), "#!/bin/sh\n", { mode: 0o755 });
}

async function setUp(t: TestContext) {
  const sink = join(temporaryDirectory(t), "backups");
  const backup = { goCloudUrl: sink, walGoCloudUrl: "", walWorkerCount: 1, bufferBytes: 0 };
  const server = await startTestServer(t, { backup });
  const client = server.client(RepositoryService);
  const back = async (repository: ServedRepository, backupId: string): Promise<void> => {
    const request = { repository: repository.address, vanityRepository: VANITY };
    await client.backupRepository({ ...request, backupId, incremental: true });
  };
  return { server, client, sink, back };
}
