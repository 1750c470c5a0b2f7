import assert from "node:assert/strict";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("listTagNamesContainingCommit lists tags that reach a commit", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address: repository, git, gitLine } = server.repository({ format });
    const tree = gitLine(["mktree"]);
    const one = gitLine(["commit-tree", tree, "-m", "one"]);
    const two = gitLine(["commit-tree", tree, "-p", one, "-m", "two"]);
    const three = gitLine(["commit-tree", tree, "-p", two, "-m", "three"]);
    git(["tag", "-m", "message", "annotated", one]);
    git(["tag", "light", two]);
    git(["update-ref", "refs/heads/main", three]);
    const names = async (commitId: string, limit = 0): Promise<string[]> => {
      const request = { repository, commitId, limit };
      const replies = await collect(client.listTagNamesContainingCommit(request));
      return replies.flatMap(({ tagNames }) =>
        tagNames.map((name) => Buffer.from(name).toString()),
      );
    };
    assert.deepEqual(await names(one), ["annotated", "light"]);
    assert.deepEqual(await names(one, 1), ["annotated"]);
    assert.deepEqual(await names(two), ["light"]);
    assert.deepEqual(await names(three), []);
  }
});

test("listTagNamesContainingCommit refuses what is no commit's id", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository } = server.repository({ format: "sha256" });
  await assert.rejects(
    collect(client.listTagNamesContainingCommit({ repository, commitId: "invalid" })),
    {
      kind: "invalid-argument",
      message: 'invalid object ID: "invalid", expected length 64, got 7',
    },
  );
  await assertRepositoryErrors((address) =>
    client.listTagNamesContainingCommit({ ...(address && { repository: address }) }),
  );
});
