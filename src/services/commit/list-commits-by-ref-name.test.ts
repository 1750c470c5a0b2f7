import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("listCommitsByRefName tells which commits references lead to", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const refFormat of ["files", "reftable"] as const) {
    const repository = server.repository({ refFormat });
    const commits = addBranchingHistory(repository);
    const list = async (...names: string[]): Promise<[string, number][]> => {
      const refNames = names.map((name) => Buffer.from(name));
      const request = { repository: repository.address, refNames };
      const replies = await collect(client.listCommitsByRefName(request));
      return replies.flatMap(({ commitRefs }) =>
        commitRefs.map(({ refName, commit }) => {
          return [Buffer.from(refName).toString(), commits.indexOf(commit?.id ?? "")];
        }),
      );
    };
    assert.deepEqual(await list(), []);
    assert.deepEqual(await list("refs/heads/main", "side", "refs/tags/annotated", "HEAD", "side"), [
      ["refs/heads/main", 8],
      ["side", 5],
      ["refs/tags/annotated", 2],
      ["HEAD", 8],
      ["side", 5],
    ]);
    assert.deepEqual(await list("missing", "refs/tags/blob", "light"), [["light", 4]]);
  }
});

test("listCommitsByRefName needs a repository and names without NUL", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const refNames = [Buffer.from("a\0")];
  await assert.rejects(collect(client.listCommitsByRefName({ repository, refNames })), {
    kind: "invalid-argument",
    message: "revision must not contain NUL bytes",
  });
  await assertRepositoryErrors((address) =>
    client.listCommitsByRefName({ ...(address && { repository: address }) }),
  );
});
