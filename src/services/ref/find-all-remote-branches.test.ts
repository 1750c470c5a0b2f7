import assert from "node:assert/strict";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("findAllRemoteBranches lists the branches of one remote", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const refFormat of ["files", "reftable"] as const) {
    const { address: repository, git, gitLine } = server.repository({ refFormat });
    const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
    const names = ["remotes/origin/a", "remotes/origin/b/c", "remotes/other/d", "heads/main"];
    for (const name of names) git(["update-ref", `refs/${name}`, commit]);
    const list = async (remoteName: string): Promise<string[]> => {
      const replies = await collect(client.findAllRemoteBranches({ repository, remoteName }));
      const branches = replies.flatMap((reply) => reply.branches);
      assert.ok(branches.every(({ targetCommit }) => targetCommit?.id === commit));
      return branches.map(({ name }) => Buffer.from(name).toString());
    };
    assert.deepEqual(await list("origin"), ["refs/remotes/origin/a", "refs/remotes/origin/b/c"]);
    assert.deepEqual(await list("other"), ["refs/remotes/other/d"]);
    assert.deepEqual(await list("orig"), []);
  }
});

test("findAllRemoteBranches refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository } = server.repository();
  await assert.rejects(collect(client.findAllRemoteBranches({ repository })), {
    kind: "invalid-argument",
    message: "empty RemoteName",
  });
  await assert.rejects(collect(client.findAllRemoteBranches({ repository, remoteName: "a\0" })), {
    kind: "internal",
    message:
      'finding refs: spawning for-each-ref: detected null byte in command argument "refs/remotes/a\\x00"',
  });
  await assertRepositoryErrors((address) =>
    client.findAllRemoteBranches({ ...(address && { repository: address }) }),
  );
});
