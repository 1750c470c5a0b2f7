import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer, type TestServer } from "../../testing/test-server.ts";

const VANITY = { storageName: "does-not-exist", relativePath: "@test/repo.git" };

for (const format of ["sha1", "sha256"] as const) {
  test(`backupRepository stores all of a ${format} repository`, async (t) => {
    const { server, sink } = await setUp(t);
    const repository = server.repository({ format });
    const commit = writeCommit(repository, { ref: "refs/heads/main" });
    const hooks = join(server.storagePath, repository.address.relativePath, "custom_hooks");
    mkdirSync(hooks);
    writeFileSync(join(hooks, "update"), "#!/bin/sh\n");
    const request = { repository: repository.address, vanityRepository: VANITY, backupId: "abc" };
    await server.client(RepositoryService).backupRepository(request);
    const folder = "does-not-exist/@test/repo.git/abc";
    const manifest = `empty = false
non_existent = false
object_format = '${format}'
head_reference = 'refs/heads/main'

[[steps]]
bundle_path = '${folder}/001.bundle'
ref_path = '${folder}/001.refs'
custom_hooks_path = '${folder}/001.custom_hooks.tar'
`;
    for (const id of ["abc", "+latest"]) {
      const path = join(sink, "manifests/does-not-exist/@test/repo.git", `${id}.toml`);
      assert.equal(readFileSync(path, "utf8"), manifest);
    }
    const refs = readFileSync(join(sink, folder, "001.refs"), "utf8");
    assert.equal(refs, `${commit} HEAD\n${commit} refs/heads/main\n`);
    assert.ok(readFileSync(join(sink, folder, "001.custom_hooks.tar")).includes("#!/bin/sh"));
    repository.git(["bundle", "verify", join(sink, folder, "001.bundle")]);
  });
}

test("backupRepository stores what is new since another backup", async (t) => {
  const { server, sink } = await setUp(t);
  const client = server.client(RepositoryService);
  const repository = server.repository();
  const first = writeCommit(repository, { ref: "refs/heads/main" });
  const request = { repository: repository.address, vanityRepository: VANITY, incremental: true };
  await client.backupRepository({ ...request, backupId: "one" });
  await client.backupRepository({ ...request, backupId: "same" });
  const second = writeCommit(repository, { ref: "refs/heads/main", parents: [first] });
  await client.backupRepository({ ...request, backupId: "two", latestBackupId: "one" });
  const folder = join(sink, "does-not-exist/@test/repo.git");
  // Git notices that there is nothing to bundle when it has begun to write.
  assert.equal(readFileSync(join(folder, "same/002.bundle"), "utf8"), "# v2 git bundle\n\n");
  assert.deepEqual(readdirSync(join(folder, "two")).sort(), ["002.bundle", "002.refs"]);
  const heads = repository.gitLines(["bundle", "list-heads", join(folder, "two/002.bundle")]);
  assert.deepEqual(heads, [`${second} refs/heads/main`, `${second} HEAD`]);
  const manifest = readFileSync(join(sink, "manifests/does-not-exist/@test/repo.git/two.toml"));
  assert.match(manifest.toString(), /previous_ref_path = 'does-not-exist\/@test\/repo.git\/one\//);
});

test("backupRepository notes that a repository is empty or isn't there", async (t) => {
  const { server, sink } = await setUp(t);
  const client = server.client(RepositoryService);
  const empty = server.repository();
  const missing = { storageName: empty.address.storageName, relativePath: "missing.git" };
  const request = { vanityRepository: VANITY };
  await client.backupRepository({ ...request, repository: empty.address, backupId: "empty" });
  await client.backupRepository({ ...request, repository: missing, backupId: "missing" });
  const manifests = join(sink, "manifests/does-not-exist/@test/repo.git");
  const read = (id: string): string => readFileSync(join(manifests, `${id}.toml`), "utf8");
  assert.match(read("empty"), /^empty = true\nnon_existent = false\nobject_format = 'sha1'\n/);
  assert.match(read("missing"), /^empty = true\nnon_existent = true\nobject_format = ''\n\n\[\[/);
  const folder = join(sink, "does-not-exist/@test/repo.git");
  assert.deepEqual(readdirSync(join(folder, "empty")), ["001.refs"]);
  assert.equal(existsSync(join(folder, "missing")), false);
});

test("backupRepository says what is wrong with a request", async (t) => {
  const { server } = await setUp(t);
  const client = server.client(RepositoryService);
  const repository = server.repository().address;
  const kind = "invalid-argument";
  const cases = [
    [{ repository, vanityRepository: VANITY }, "empty BackupId"],
    [{ backupId: "a", vanityRepository: VANITY }, "repository not set"],
    [{ backupId: "a", repository }, "repository not set"],
    [
      { backupId: "a", repository, vanityRepository: { storageName: "x" } },
      "repository path not set",
    ],
  ] as const;
  for (const [request, message] of cases) {
    await assert.rejects(client.backupRepository(request), { kind, message });
  }
});

test("backupRepository needs a place for backups", async (t) => {
  const server = await startTestServer(t);
  const message = "backup repository: server-side backups are not configured";
  const call = server.client(RepositoryService).backupRepository({});
  await assert.rejects(call, { kind: "failed-precondition", message });
});

test("backupRepository leaves no backup when it is built upon a damaged one", async (t) => {
  const { server, sink } = await setUp(t);
  const client = server.client(RepositoryService);
  const repository = server.repository();
  writeCommit(repository, { ref: "refs/heads/main" });
  const request = { repository: repository.address, vanityRepository: VANITY, incremental: true };
  await client.backupRepository({ ...request, backupId: "one" });
  const folder = join(sink, "does-not-exist/@test/repo.git");
  writeFileSync(join(folder, "one/001.refs"), "damaged\n");
  const call = client.backupRepository({ ...request, backupId: "two" });
  await assert.rejects(call, { message: /^backup repository: manager: write bundle: / });
  const manifests = readdirSync(join(sink, "manifests/does-not-exist/@test/repo.git"));
  assert.deepEqual(manifests.sort(), ["+latest.toml", "one.toml"]);
});

test("backupRepository tells of a folder that is no repository", async (t) => {
  const { server } = await setUp(t);
  const repository = server.repository();
  rmSync(join(repository.path, "objects"), { recursive: true });
  const request = { repository: repository.address, vanityRepository: VANITY, backupId: "one" };
  const call = server.client(RepositoryService).backupRepository(request);
  const stage = "backup repository: manager: local repository: object hash: get repo path";
  const message = `${stage}: repository not valid: "objects" does not exist`;
  await assert.rejects(call, { kind: "failed-precondition", message });
});

async function setUp(t: TestContext): Promise<{ server: TestServer; sink: string }> {
  const sink = join(temporaryDirectory(t), "backups");
  const backup = { goCloudUrl: sink, walGoCloudUrl: "", walWorkerCount: 1, bufferBytes: 0 };
  return { server: await startTestServer(t, { backup }), sink };
}
