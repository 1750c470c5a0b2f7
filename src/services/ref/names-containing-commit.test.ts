import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RepositoryCache } from "../../git/repository/repository-cache.ts";
import { RefService } from "../../proto/ref_pb.ts";
import { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { collect } from "../../testing/repository-errors.ts";
import { testCall } from "../../testing/server-call.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import { type ServedRepository, startTestServer, TEST_STORAGE } from "../../testing/test-server.ts";
import { namesContainingCommit } from "./names-containing-commit.ts";

const STORES = [
  { format: "sha1", refFormat: "files" },
  { format: "sha256", refFormat: "reftable" },
] as const;

/** What git lists; a tag or a branch is listed without its prefix. */
function listByGit({ gitLines }: ServedRepository, commit: string, prefix: string): string[] {
  return gitLines(["for-each-ref", `--contains=${commit}`, "--format=%(refname:lstrip=2)", prefix]);
}

function texts(names: readonly Uint8Array[]): string[] {
  return names.map((name) => Buffer.from(name).toString());
}

/** Commits one after the other, with a branch at each, a merge, and tags of many kinds. */
function addHistory({ git, gitLine }: ServedRepository): string[] {
  const tree = gitLine(["mktree"]);
  const commits: string[] = [];
  for (let index = 0; index < 12; index++) {
    const parents = commits.slice(-1 - (index % 3 === 2 ? 1 : 0)).flatMap((oid) => ["-p", oid]);
    const env = { GIT_COMMITTER_DATE: `${1_700_000_000 + (index % 5) * 1000} +0000` };
    const commit = gitLine(["commit-tree", tree, ...parents, "-m", `${index}`], { env });
    git(["update-ref", `refs/heads/${index}`, commit]);
    commits.push(commit);
  }
  git(["tag", "-m", "message", "annotated", "refs/heads/5"]);
  git(["tag", "-m", "message", "nested", "annotated"]);
  git(["tag", "light", "refs/heads/9"]);
  git(["tag", "tree", tree]);
  git(["tag", "-m", "message", "annotated-tree", tree]);
  return commits;
}

test("branches and tags that contain a commit are those that git lists", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const store of STORES) {
    for (const graph of [false, true]) {
      const served = server.repository(store);
      const repository = served.address;
      const commits = addHistory(served);
      if (graph) served.git(["commit-graph", "write", "--reachable"]);
      for (const commitId of [...commits, served.gitLine(["rev-parse", "nested"])]) {
        const request = { repository, commitId };
        const branches = await collect(client.listBranchNamesContainingCommit(request));
        const tags = await collect(client.listTagNamesContainingCommit(request));
        assert.deepEqual(
          texts(branches.flatMap(({ branchNames }) => branchNames)),
          listByGit(served, commitId, "refs/heads"),
        );
        assert.deepEqual(
          texts(tags.flatMap(({ tagNames }) => tagNames)),
          listByGit(served, commitId, "refs/tags"),
        );
      }
    }
  }
});

test("many names that contain a commit are divided among replies", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, gitLine, path } = server.repository();
  const commitId = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
  const long = Array.from({ length: 5 }, () => "x".repeat(200)).join("/");
  const names = Array.from({ length: 1100 }, (_, index) => `refs/tags/${10_000 + index}/${long}`);
  const refs = [
    "# pack-refs with: peeled fully-peeled sorted",
    ...names.map((n) => `${commitId} ${n}`),
  ];
  writeFileSync(join(path, "packed-refs"), `${refs.join("\n")}\n`);
  const replies = await collect(client.listTagNamesContainingCommit({ repository, commitId }));
  assert.equal(replies.length, 2);
  assert.ok(replies.every(({ tagNames }) => tagNames.length < 1100));
  const received = replies.flatMap(({ tagNames }) => tagNames);
  assert.deepEqual(
    texts(received).map((name) => `refs/tags/${name}`),
    names,
  );
});

test("an empty repository has nothing that could contain a commit", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, gitLine } = server.repository();
  const commitId = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
  assert.deepEqual(
    await collect(client.listBranchNamesContainingCommit({ repository, commitId })),
    [],
  );
});

test("limits that git doesn't understand are refused as git refuses them", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const served = server.repository();
  const [commitId = ""] = addHistory(served);
  const list = async (limit: number): Promise<number> => {
    const request = { repository: served.address, commitId, limit };
    const replies = await collect(client.listBranchNamesContainingCommit(request));
    return replies.flatMap(({ branchNames }) => branchNames).length;
  };
  assert.equal(await list(3), 3);
  assert.equal(await list(2 ** 31 - 1), 12);
  await assert.rejects(list(2 ** 31), {
    kind: "internal",
    message: "exit status 129",
  });
});

test("references whose object isn't there contain nothing", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const served = server.repository();
  const [commitId = ""] = addHistory(served);
  writeFileSync(join(served.path, "refs/heads/gone"), `${"1".repeat(40)}\n`);
  const request = { repository: served.address, commitId };
  const replies = await collect(client.listBranchNamesContainingCommit(request));
  assert.equal(replies.flatMap(({ branchNames }) => branchNames).length, 12);
});

test("git is asked where history has a hole", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const served = server.repository();
  const commits = addHistory(served);
  const hole = commits[4] ?? "";
  rmSync(join(served.path, "objects", hole.slice(0, 2), hole.slice(2)));
  const commitId = commits[0] ?? "";
  const request = { repository: served.address, commitId };
  const replies = await collect(client.listBranchNamesContainingCommit(request));
  assert.deepEqual(
    texts(replies.flatMap(({ branchNames }) => branchNames)),
    listByGit(served, commitId, "refs/heads"),
  );
});

test("nothing is looked for once the caller has gone away", async (t) => {
  const server = await startTestServer(t);
  const served = server.repository();
  const [commitId = ""] = addHistory(served);
  const repositories = new RepositoryCache();
  t.after(() => repositories.close());
  const locator = new RepositoryLocator(new Map([[TEST_STORAGE, server.storagePath]]));
  const method = RefService.method.listBranchNamesContainingCommit;
  const request = create(method.input, { repository: served.address, commitId });
  const call = testCall(method, { signal: AbortSignal.abort(new Error("gone")) });
  const needs = { locator, repositories, git: await startTestGitRunner(t) };
  await assert.rejects(collect(namesContainingCommit(needs, request, "refs/heads/", call)), /gone/);
});
