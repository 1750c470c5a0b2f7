import assert from "node:assert/strict";
import { test } from "node:test";
import { commitHeader, createFile } from "../../testing/commit-actions.ts";
import {
  base,
  type CommitHeader,
  type CommitReply,
  repositoryForCommits,
  startCommitFilesServer,
} from "../../testing/commit-files-server.ts";

test("userCommitFiles begins where it is told", async (t) => {
  const { server, repository, commit } = await startCommitFilesServer(t);
  const start = base(repository, "refs/heads/start");
  const branchName = (name: string) => ({ branchName: Buffer.from(name) });
  const startBranchName = Buffer.from("start");
  const parentOf = (name: string) => repository.gitLine(["log", "-1", "--format=%P", name]);
  const { branchUpdate } = await commit({ ...branchName("a"), startBranchName });
  assert.equal(branchUpdate?.branchCreated && !branchUpdate.repoCreated, true);
  assert.equal(parentOf("a"), start);
  await commit({ ...branchName("b"), startSha: start });
  assert.equal(parentOf("b"), start);
  // Without anything else a new branch has no history.
  await commit(branchName("c"));
  assert.equal(parentOf("c"), "");
  // The parent isn't what the branch holds.
  const problem = {
    kind: "failed-precondition",
    message: "reference update: reference does not point to expected object",
  };
  await assert.rejects(commit({ ...branchName("c"), startBranchName }), problem);
  await commit({ ...branchName("c"), startBranchName, force: true });
  assert.equal(parentOf("c"), start);
  assert.deepEqual(server.leftovers(), []);
});

test("userCommitFiles says why it can't begin there", async (t) => {
  const { repository, commit } = await startCommitFilesServer(t);
  base(repository, "refs/heads/main");
  repository.git(["tag", "-a", "-m", "v1", "v1", "main"]);
  const tag = repository.gitLine(["rev-parse", "v1"]);
  const tree = repository.gitLine(["rev-parse", "main^{tree}"]);
  const doing = 'resolve parent commit: resolving refish "refs/heads/missing^{commit}" in';
  for (const [changes, message] of [
    [{ startBranchName: Buffer.from("missing") }, `${doing} *localrepo.Repo: reference not found`],
    [
      { startSha: "1".repeat(40) },
      "fetch missing commit: lookup parent commit: reference not found",
    ],
    [{ startSha: tree }, "fetch missing commit: lookup parent commit: reference not found"],
    [
      { startSha: tag },
      `commit-tree: exit status 128: fatal: ${tag} is not a valid 'commit' object\n `,
    ],
  ] as const) {
    await assert.rejects(commit({ ...changes, force: true }), { kind: "internal", message });
  }
});

test("userCommitFiles begins in another repository", async (t) => {
  const { server, repository, header } = await startCommitFilesServer(t);
  const other = repositoryForCommits(server);
  const start = base(other.repository, "refs/heads/start");
  const servers = { default: { address: `unix:${server.socketPath}`, token: "" } };
  const metadata = { "gitaly-servers": Buffer.from(JSON.stringify(servers)).toString("base64") };
  const commit = (changes: CommitHeader): CommitReply => {
    const first = commitHeader({
      ...header,
      startRepository: other.repository.address,
      ...changes,
    });
    return server.operations.userCommitFiles([first, ...createFile("a", "x")], { metadata });
  };
  const parentOf = (name: string) => repository.gitLine(["log", "-1", "--format=%P", name]);
  const branch = { branchName: Buffer.from("one"), startBranchName: Buffer.from("start") };
  const { branchUpdate } = await commit(branch);
  assert.deepEqual([branchUpdate?.branchCreated, branchUpdate?.repoCreated], [true, true]);
  assert.equal(parentOf("one"), start);
  const second = base(other.repository, "refs/heads/second", "second");
  await commit({ branchName: Buffer.from("two"), startSha: second });
  assert.equal(parentOf("two"), second);
  const doing = 'resolve parent commit: resolving refish "refs/heads/missing^{commit}" in';
  const missing = { startBranchName: Buffer.from("missing") };
  const message = `${doing} *remoterepo.Repo: reference not found`;
  await assert.rejects(commit(missing), { kind: "internal", message });
  const gone = { startRepository: { ...other.repository.address, relativePath: "gone.git" } };
  const status = "rpc error: code = NotFound desc = repository not found";
  await assert.rejects(commit({ ...gone, ...missing }), {
    kind: "not-found",
    message: `resolve parent commit: has branches: has local branches: ${status}`,
  });
  const empty = repositoryForCommits(server).repository.address;
  await commit({ branchName: Buffer.from("three"), startRepository: empty, ...missing });
  assert.equal(parentOf("three"), "");
  repository.git(["fsck", "--strict"]);
  assert.deepEqual(server.leftovers(), []);
});

test("userCommitFiles needs to be told where another repository is", async (t) => {
  const { server, commit } = await startCommitFilesServer(t);
  const startRepository = repositoryForCommits(server).repository.address;
  await assert.rejects(commit({ startRepository }), {
    kind: "internal",
    message:
      "resolve parent commit: remote repository: remote repository: empty gitaly-servers metadata",
  });
});
