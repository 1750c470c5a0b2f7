import assert from "node:assert/strict";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("listBranchNamesContainingCommit lists branches that reach a commit", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address: repository, git, gitLine } = server.repository({ format });
    const tree = gitLine(["mktree"]);
    const one = gitLine(["commit-tree", tree, "-m", "one"]);
    const two = gitLine(["commit-tree", tree, "-p", one, "-m", "two"]);
    const alone = gitLine(["commit-tree", tree, "-m", "alone"]);
    git(["update-ref", "refs/heads/main", two]);
    git(["update-ref", "refs/heads/old/ä", one]);
    git(["update-ref", "refs/tags/tag", two]);
    git(["update-ref", `refs/heads/${two}`, one]);
    const names = async (commitId: string, limit = 0): Promise<string[]> => {
      const replies = await collect(
        client.listBranchNamesContainingCommit({ repository, commitId, limit }),
      );
      return replies.flatMap(({ branchNames }) =>
        branchNames.map((n) => Buffer.from(n).toString()),
      );
    };
    assert.deepEqual(await names(one), [two, "main", "old/ä"].sort());
    assert.deepEqual(await names(two), ["main"]);
    assert.deepEqual(await names(alone), []);
    assert.deepEqual((await names(one, 2)).length, 2);
  }
});

test("listBranchNamesContainingCommit refuses what is no commit's id", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, gitLine } = server.repository();
  const cases = [
    ["invalid", "invalid-argument", 'invalid object ID: "invalid", expected length 40, got 7'],
    ["", "invalid-argument", 'invalid object ID: "", expected length 40, got 0'],
    [
      `${"a".repeat(39)}X`,
      "invalid-argument",
      `invalid object ID: "${"a".repeat(39)}X", invalid character 'X'`,
    ],
    ["a".repeat(40), "internal", "exit status 129"],
    [gitLine(["mktree"]), "internal", "exit status 129"],
  ] as const;
  for (const [commitId, kind, message] of cases) {
    const replies = client.listBranchNamesContainingCommit({ repository, commitId });
    await assert.rejects(collect(replies), { kind, message });
  }
  await assertRepositoryErrors((address) =>
    client.listBranchNamesContainingCommit({ ...(address && { repository: address }) }),
  );
});
