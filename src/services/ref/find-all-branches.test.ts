import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("findAllBranches lists local and remote branches with their commits", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const refFormat of ["files", "reftable"] as const) {
    const { address: repository, git, gitLine } = server.repository({ refFormat });
    assert.deepEqual(await collect(client.findAllBranches({ repository })), []);
    const tree = gitLine(["mktree"]);
    const one = gitLine(["commit-tree", tree, "-m", "one"]);
    const two = gitLine(["commit-tree", tree, "-p", one, "-m", "two"]);
    const side = gitLine(["commit-tree", tree, "-p", one, "-m", "side"]);
    git(["update-ref", "refs/heads/main", two]);
    git(["update-ref", "refs/heads/old", one]);
    git(["update-ref", "refs/heads/side", side]);
    git(["update-ref", "refs/remotes/origin/main", one]);
    git(["update-ref", "refs/tags/v1", one]);
    const list = async (mergedOnly = false, ...merged: string[]): Promise<string[][]> => {
      const mergedBranches = merged.map((name) => Buffer.from(name));
      const replies = await collect(
        client.findAllBranches({ repository, mergedOnly, mergedBranches }),
      );
      return replies.flatMap(({ branches }) =>
        branches.map(({ name, target }) => [Buffer.from(name).toString(), target?.id ?? ""]),
      );
    };
    const all = [
      ["refs/heads/main", two],
      ["refs/heads/old", one],
      ["refs/heads/side", side],
      ["refs/remotes/origin/main", one],
    ];
    assert.deepEqual(await list(), all);
    assert.deepEqual(await list(false, "refs/heads/old"), all);
    const merged = all.filter(([, oid]) => oid !== side);
    assert.deepEqual(await list(true), merged);
    assert.deepEqual(await list(true, "refs/heads/old", "refs/heads/side"), [
      ["refs/heads/old", one],
    ]);
  }
});

test("findAllBranches sends twenty branches in a reply", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine } = server.repository();
  const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
  const lines = Array.from({ length: 45 }, (_, i) => `create refs/heads/${100 + i} ${commit}\n`);
  git(["update-ref", "--stdin"], { input: lines.join("") });
  const replies = await collect(client.findAllBranches({ repository }));
  assert.deepEqual(
    replies.map(({ branches }) => branches.length),
    [20, 20, 5],
  );
});

test("findAllBranches fails on what it can't make sense of", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, path } = server.repository();
  await assert.rejects(collect(client.findAllBranches({ repository, mergedOnly: true })), {
    kind: "internal",
    message: "finding refs: listing failed with exit code 128",
  });
  writeFileSync(join(path, "refs/heads/zombie"), `${"1".repeat(40)}\n`);
  await assert.rejects(collect(client.findAllBranches({ repository })), {
    kind: "internal",
    message: "finding refs: sending lines: object not found",
  });
  writeFileSync(join(path, "HEAD"), `${"1".repeat(40)}\n`);
  await assert.rejects(collect(client.findAllBranches({ repository, mergedOnly: true })), {
    kind: "internal",
    message: "default branch name: exit status 128",
  });
  await assertRepositoryErrors((address) =>
    client.findAllBranches({ ...(address && { repository: address }) }),
  );
});
