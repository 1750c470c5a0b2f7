import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("listCommitsByOid tells about commits as they are asked for", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const commits = addBranchingHistory(repository);
    const list = async (...oid: string[]): Promise<string[]> => {
      const request = { repository: repository.address, oid };
      const replies = await collect(client.listCommitsByOid(request));
      return replies.flatMap((reply) => reply.commits.map(({ id }) => id));
    };
    const [zero = "", one = "", two = ""] = commits;
    const missing = "1".repeat(zero.length);
    assert.deepEqual(await list(), []);
    assert.deepEqual(await list(...commits), commits);
    assert.deepEqual(await list(two, zero, two), [two, zero, two]);
    assert.deepEqual(await list(one.slice(0, 12), missing, "annotated", "nothing", "blob"), [
      one,
      two,
    ]);
    assert.deepEqual(await list(missing), []);
  }
});

test("listCommitsByOid fills replies by their size", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address, gitLine } = server.repository();
  const input = `subject\n\n${"x".repeat(20_000)}\n`;
  const commit = gitLine(["commit-tree", gitLine(["mktree"])], { input });
  const request = { repository: address, oid: Array.from({ length: 120 }, () => commit) };
  const replies = await collect(client.listCommitsByOid(request));
  assert.deepEqual(
    replies.map(({ commits }) => commits.length),
    [100, 20],
  );
});

test("listCommitsByOid needs a repository and names without NUL", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  await assert.rejects(collect(client.listCommitsByOid({ repository, oid: ["a\0"] })), {
    kind: "invalid-argument",
    message: "revision must not contain NUL bytes",
  });
  await assertRepositoryErrors((address) =>
    client.listCommitsByOid({ ...(address && { repository: address }) }),
  );
});
