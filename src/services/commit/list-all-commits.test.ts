import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compareBinary } from "../../git/ref/binary-string.ts";
import { CommitService } from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("listAllCommits lists reachable and other commits, in pages if wanted", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const list = async (limit = 0, pageToken = ""): Promise<string[]> => {
      const request = { repository: repository.address, paginationParams: { limit, pageToken } };
      const replies = await collect(client.listAllCommits(request));
      return replies.flatMap(({ commits }) => commits.map(({ id }) => id));
    };
    assert.deepEqual(await list(), []);
    const commits = addBranchingHistory(repository);
    const tree = repository.gitLine(["mktree"]);
    commits.push(repository.gitLine(["commit-tree", tree, "-m", "dangling"]));
    const all = await list();
    assert.deepEqual(all.toSorted(compareBinary), commits.toSorted(compareBinary));
    assert.deepEqual(await list(3), all.slice(0, 3));
    assert.deepEqual(await list(-1), all);
    assert.deepEqual(await list(3, all[2]), all.slice(3, 6));
    assert.deepEqual(await list(0, all[7]), all.slice(8));
    assert.deepEqual(await list(0, "none"), []);
  }
});

test("listAllCommits finds the objects of a quarantine", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  addBranchingHistory(repository);
  mkdirSync(join(repository.path, "objects/quarantine"));
  const env = {
    GIT_OBJECT_DIRECTORY: `${repository.path}/objects/quarantine`,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: `${repository.path}/objects`,
  };
  const tree = repository.gitLine(["mktree"]);
  const commit = repository.gitLine(["commit-tree", tree, "-m", "new"], { env });
  const quarantine = { ...repository.address, gitObjectDirectory: "objects/quarantine" };
  const replies = await collect(client.listAllCommits({ repository: quarantine }));
  assert.deepEqual(
    replies.flatMap(({ commits }) => commits.map(({ id }) => id)),
    [commit],
  );
});

test("listAllCommits needs a repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  await assertRepositoryErrors((address) =>
    client.listAllCommits({ ...(address && { repository: address }) }),
  );
});
