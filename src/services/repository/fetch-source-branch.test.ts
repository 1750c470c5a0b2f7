import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { serversMetadata, startOtherServer } from "../../testing/other-server.ts";
import { startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";

const TARGET = "refs/tmp/fetched";
const bytes = Buffer.from;

test("fetchSourceBranch brings a branch of the same storage, or of another server", async (t) => {
  for (const format of ["sha1", "sha256"] as const) {
    const server = await startTestServer(t);
    const other = await startOtherServer(t);
    const metadata = serversMetadata({ [TEST_STORAGE]: server, other: other.server });
    const client = server.client(RepositoryService);
    for (const source of [server.repository({ format }), other.repository({ format })]) {
      const target = server.repository({ format });
      const oid = commitFiles(source, { a: "a" });
      source.git(["update-ref", "refs/heads/main", oid]);
      const request = {
        ...{ repository: target.address, sourceRepository: source.address },
        ...{ sourceBranch: bytes("refs/heads/main"), targetRef: bytes(TARGET) },
      };
      assert.equal((await client.fetchSourceBranch(request, { metadata })).result, true);
      assert.equal(target.gitLine(["rev-parse", TARGET]), oid);
      assert.equal(target.git(["fsck", "--strict", "--no-dangling"]).length, 0);
      // Now the commit is there already.
      const again = { ...request, targetRef: bytes("refs/heads/again") };
      assert.equal((await client.fetchSourceBranch(again, { metadata })).result, true);
      assert.equal(target.gitLine(["rev-parse", "refs/heads/again"]), oid);
      assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
    }
  }
});

test("fetchSourceBranch takes a branch of the same repository", async (t) => {
  const server = await startTestServer(t);
  const metadata = serversMetadata({ [TEST_STORAGE]: server });
  const client = server.client(RepositoryService);
  const { address: repository, ...own } = server.repository();
  const oid = commitFiles(own, { a: "a" });
  own.git(["update-ref", "refs/heads/main", oid]);
  const request = { repository, sourceRepository: repository, targetRef: bytes(TARGET) };
  const at = { ...request, sourceBranch: bytes("main") };
  assert.equal((await client.fetchSourceBranch(at, { metadata })).result, true);
  assert.equal(own.gitLine(["rev-parse", TARGET]), oid);
  const missing = { ...request, sourceBranch: bytes("missing") };
  assert.equal((await client.fetchSourceBranch(missing, { metadata })).result, false);
});

test("fetchSourceBranch changes only a reference that is as expected", async (t) => {
  const server = await startTestServer(t);
  const metadata = serversMetadata({ [TEST_STORAGE]: server });
  const client = server.client(RepositoryService);
  const [source, target] = [server.repository(), server.repository()];
  const first = commitFiles(target, { a: "1" });
  const second = commitFiles(target, { a: "2" });
  const wanted = commitFiles(source, { a: "3" });
  target.git(["update-ref", TARGET, second]);
  source.git(["update-ref", "refs/heads/main", wanted]);
  const request = {
    ...{ repository: target.address, sourceRepository: source.address },
    ...{ sourceBranch: bytes("main"), targetRef: bytes(TARGET) },
  };
  const expecting = (expectedTargetOldOid: string) =>
    client.fetchSourceBranch({ ...request, expectedTargetOldOid }, { metadata });
  await assert.rejects(expecting(first), {
    kind: "internal",
    message: "commit: reference does not point to expected object",
  });
  await assert.rejects(expecting("zz"), { kind: "internal", message: "commit: exit status 128" });
  assert.equal(target.gitLine(["rev-parse", TARGET]), second);
  assert.equal((await expecting(second)).result, true);
  assert.equal(target.gitLine(["rev-parse", TARGET]), wanted);
});

test("fetchSourceBranch finds no branch, or can't fetch it", async (t) => {
  const server = await startTestServer(t);
  const metadata = serversMetadata({ [TEST_STORAGE]: server });
  const client = server.client(RepositoryService);
  const [source, target] = [server.repository(), server.repository()];
  const request = {
    ...{ repository: target.address, sourceRepository: source.address },
    ...{ sourceBranch: bytes("main"), targetRef: bytes(TARGET) },
  };
  assert.equal((await client.fetchSourceBranch(request, { metadata })).result, false);
  // The tree's files are missing, so no pack can be made.
  const tree = "100644 blob 78981922613b2afb6025042ff6bd878ac1994e85\ta\n";
  const treeOid = source.gitLine(["mktree", "--missing"], { input: tree });
  const commit = source.gitLine(["commit-tree", "-m", "m", treeOid]);
  source.git(["update-ref", "refs/heads/main", commit]);
  assert.equal((await client.fetchSourceBranch(request, { metadata })).result, false);
  assert.equal(target.gitLines(["count-objects"])[0], "0 objects, 0 kilobytes");
  assert.deepEqual(readdirSync(join(server.storagePath, "+gitaly/tmp")), []);
});

test("fetchSourceBranch says what is wrong", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository } = server.repository();
  const good = {
    ...{ repository, sourceRepository: repository },
    ...{ sourceBranch: bytes("main"), targetRef: bytes(TARGET) },
  };
  const metadata = serversMetadata({ [TEST_STORAGE]: server });
  const refuses = async (
    changes: Partial<typeof good> | { repository: object } | { sourceRepository: object },
    message: string,
    kind = "invalid-argument",
    headers: Record<string, string> = metadata,
  ): Promise<void> => {
    const request = { ...good, ...changes };
    await assert.rejects(client.fetchSourceBranch(request, { metadata: headers }), {
      kind,
      message,
    });
  };
  await refuses({ repository: {} }, "repository not set");
  for (const [text, message] of [
    ["", "empty revision"],
    ["   ", "revision can't contain whitespace"],
    ["-ref", "revision can't start with '-'"],
    ["some:ref", "revision can't contain ':'"],
    ["some\0ref", "revision can't contain NUL"],
  ] as const) {
    await refuses({ sourceBranch: bytes(text) }, message);
    await refuses({ targetRef: bytes(text) }, message);
  }
  const unknown = "remote repository: storage name not found";
  await refuses({ sourceRepository: {} }, unknown, "internal");
  const none = "remote repository: empty gitaly-servers metadata";
  await refuses({}, none, "internal", {});
  const missing = { ...repository, relativePath: "missing.git" };
  await refuses({ sourceRepository: missing }, "repository not found", "not-found");
});
