import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { openTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { OTHER_STORAGE, serversMetadata, startOtherServer } from "../../testing/other-server.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";
import { beginTransaction, votesOn } from "../../testing/transaction-client.ts";

const TARGET = { storageName: TEST_STORAGE, relativePath: "replica.git" };

async function setUp(t: TestContext) {
  const server = await startTestServer(t);
  const other = await startOtherServer(t);
  const metadata = serversMetadata({ [OTHER_STORAGE]: other.server });
  const client = server.client(RepositoryService);
  const replicate = (
    source: { readonly address: { storageName: string; relativePath: string } },
    repository: { storageName: string; relativePath: string } = TARGET,
  ) => client.replicateRepository({ repository, source: source.address }, { metadata });
  const replica = (format: "sha1" | "sha256" = "sha1"): TestRepository =>
    openTestRepository(join(server.storagePath, TARGET.relativePath), format);
  return { server, other, client, metadata, replicate, replica };
}

const refs = ({ gitLines }: TestRepository): string[] => gitLines(["for-each-ref"]);

test("replicateRepository makes a copy of all that a repository is", async (t) => {
  const { server, other, replicate, replica } = await setUp(t);
  for (const format of ["sha1", "sha256"] as const) {
    for (const refFormat of ["files", "reftable"] as const) {
      const source = other.repository({ format, refFormat });
      const oid = commitFiles(source, { a: "a" });
      for (const ref of ["refs/heads/main", "refs/keep-around/x", "refs/merge-requests/1/head"]) {
        source.git(["update-ref", ref, oid]);
      }
      source.git(["symbolic-ref", "HEAD", "refs/heads/trunk"]);
      source.git(["update-ref", "refs/heads/trunk", oid]);
      source.git(["config", "gitlab.key", "value"]);
      const lost = source.gitLine(["hash-object", "-w", "--stdin"], { input: "unreachable" });
      mkdirSync(join(source.path, "custom_hooks"));
      writeFileSync(join(source.path, "custom_hooks/pre-receive"), "#!/bin/sh\n");
      chmodSync(join(source.path, "custom_hooks/pre-receive"), 0o755);
      await replicate(source);
      const made = replica(format);
      assert.deepEqual(refs(made), refs(source));
      assert.equal(made.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/trunk");
      const config = (path: string): string => readFileSync(join(path, "config"), "utf8");
      assert.equal(config(made.path), config(source.path));
      assert.deepEqual(readdirSync(join(made.path, "custom_hooks")), ["pre-receive"]);
      assert.equal(made.gitLine(["cat-file", "-p", lost]), "unreachable");
      assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
      rmSync(made.path, { recursive: true });
    }
  }
});

test("replicateRepository brings a repository that is there up to date", async (t) => {
  const { server, other, replicate } = await setUp(t);
  const source = other.repository();
  const target = server.repository();
  const first = commitFiles(source, { a: "a" });
  const second = commitFiles(source, { a: "b" }, [first]);
  const stale = commitFiles(target, { a: "stale" });
  target.git(["update-ref", "refs/heads/stale", stale]);
  target.git(["update-ref", "refs/heads/main", stale]);
  source.git(["update-ref", "refs/heads/main", first]);
  mkdirSync(join(target.path, "custom_hooks"));
  writeFileSync(join(target.path, "custom_hooks/update"), "");
  await replicate(source, target.address);
  assert.deepEqual(refs(target), refs(source));
  assert.deepEqual(readdirSync(join(target.path, "custom_hooks")), []);
  source.git(["update-ref", "refs/heads/other", second]);
  source.git(["symbolic-ref", "HEAD", "refs/heads/other"]);
  await replicate(source, target.address);
  assert.deepEqual(refs(target), refs(source));
  assert.equal(target.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/other");
  source.git(["symbolic-ref", "HEAD", "refs/heads/missing"]);
  await replicate(source, target.address);
  assert.equal(target.gitLine(["symbolic-ref", "HEAD"]), "refs/heads/other");
  assert.equal(target.git(["fsck", "--strict", "--no-dangling"]).length, 0);
});

test("replicateRepository takes objects as they are, and an empty repository too", async (t) => {
  const { other, replicate, replica } = await setUp(t);
  const source = other.repository();
  await replicate(source);
  assert.deepEqual(refs(replica()), []);
  const blob = source.gitLine(["hash-object", "-w", "--stdin"], { input: "x" });
  const entry = `100644 blob ${blob}\tdup\n`;
  const tree = source.gitLine(["mktree"], { input: entry + entry });
  const commit = source.gitLine(["commit-tree", "-m", "m", tree]);
  source.git(["update-ref", "refs/heads/main", commit]);
  await replicate(source);
  assert.equal(replica().gitLine(["rev-parse", "main"]), commit);
});

test("replicateRepository replaces what is no repository, and keeps it for a while", async (t) => {
  const { server, other, replicate, replica } = await setUp(t);
  const source = other.repository();
  source.git(["update-ref", "refs/heads/main", commitFiles(source, { a: "a" })]);
  mkdirSync(join(server.storagePath, TARGET.relativePath));
  writeFileSync(join(server.storagePath, TARGET.relativePath, "precious"), "");
  await replicate(source);
  assert.deepEqual(refs(replica()), refs(source));
  const folder = join(server.storagePath, "+gitaly/tmp");
  const [aside = ""] = readdirSync(folder);
  assert.match(aside, /^default-repositories\.old\.\d+\./);
  assert.ok(existsSync(join(folder, aside, TARGET.relativePath, "precious")));
});

test("replicateRepository says what is wrong", async (t) => {
  const { server, other, client, metadata, replicate } = await setUp(t);
  const source = other.repository().address;
  const good = { repository: TARGET, source };
  const refuses = async (
    request: Parameters<typeof client.replicateRepository>[0],
    kind: string,
    message: string,
    headers: Record<string, string> = metadata,
  ): Promise<void> =>
    assert.rejects(client.replicateRepository(request, { metadata: headers }), { kind, message });
  const invalid = "invalid-argument";
  await refuses({ source }, invalid, "repository not set");
  await refuses({ repository: TARGET }, invalid, "source repository cannot be empty");
  const same = { repository: TARGET, source: { ...source, storageName: TEST_STORAGE } };
  await refuses(same, invalid, "repository and source have the same storage");
  await refuses(good, "internal", "new client: empty gitaly-servers metadata", {});
  const elsewhere = serversMetadata({ third: server });
  await refuses(good, "internal", "new client: storage name not found", elsewhere);
  const nowhere = serversMetadata({ [OTHER_STORAGE]: "" });
  await refuses(good, "internal", "new client: address is empty", nowhere);
  const missing = { ...source, relativePath: "missing.git" };
  await refuses({ ...good, source: missing }, "not-found", "invalid source repository");
  const broken = other.repository();
  const target = server.repository().address;
  writeFileSync(join(broken.path, "HEAD"), "garbage");
  await assert.rejects(replicate(broken, target), {
    kind: "internal",
    message:
      "replicating repository: synchronizing references: fetch internal remote: getting remote default branch: head reference: exit status 128",
  });
  rmSync(join(broken.path, "objects"), { recursive: true });
  await assert.rejects(replicate(broken), {
    kind: "not-found",
    message: "invalid source repository",
  });
  assert.equal(existsSync(join(server.storagePath, TARGET.relativePath)), false);
});

test("replicateRepository has servers of a transaction vote on each step", async (t) => {
  const { server, other, metadata: servers } = await setUp(t);
  const source = other.repository();
  const first = commitFiles(source, { a: "a" });
  const second = commitFiles(source, { a: "b" }, [first]);
  source.git(["update-ref", "refs/heads/main", first]);
  const { channel, metadata: transaction, votes } = beginTransaction(t, server);
  const client = createClient(RepositoryService, channel);
  const metadata = { ...servers, ...transaction };
  const request = { repository: TARGET, source: source.address };
  await client.replicateRepository(request, { metadata });
  const config = readFileSync(join(source.path, "config"));
  const [preparing = ""] = votesOn("preparing commit locked file");
  const settings = [preparing, ...votesOn(config).slice(1)];
  const [hooksPreparing = ""] = votesOn("preparing set custom hooks");
  assert.equal(votes.length, 9);
  assert.deepEqual(votes.slice(3, 7), [...settings, hooksPreparing]);
  votes.length = 0;
  source.git(["update-ref", "refs/heads/main", second]);
  await client.replicateRepository(request, { metadata });
  const change = votesOn(`${first} ${second} refs/heads/main\n`);
  const references = votes.slice(3, -3);
  assert.deepEqual(votes.slice(0, 3), settings);
  // Git asks before it locks as well, if it is new enough.
  assert.deepEqual(references.slice(-2), change.slice(1));
});
