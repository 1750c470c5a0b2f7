import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

const KINDS = [
  { format: "sha1", refFormat: "files" },
  { format: "sha256", refFormat: "reftable" },
] as const;

test("findDefaultBranchName takes HEAD's branch, a usual one, or the first", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const kind of KINDS) {
    const { address: repository, git, gitLine } = server.repository(kind);
    const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "one"]);
    const name = async (headOnly = false): Promise<string> => {
      const reply = await client.findDefaultBranchName({ repository, headOnly });
      return Buffer.from(reply.name).toString();
    };
    assert.equal(await name(), "");
    assert.equal(await name(true), "refs/heads/main");
    git(["update-ref", "refs/heads/banana", commit]);
    git(["update-ref", "refs/heads/cherry", commit]);
    git(["update-ref", "refs/tags/apple", commit]);
    assert.equal(await name(), "refs/heads/banana");
    assert.equal(await name(true), "refs/heads/main");
    git(["update-ref", "refs/heads/master", commit]);
    assert.equal(await name(), "refs/heads/master");
    git(["update-ref", "refs/heads/main", commit]);
    assert.equal(await name(), "refs/heads/main");
    git(["symbolic-ref", "HEAD", "refs/heads/cherry"]);
    assert.equal(await name(), "refs/heads/cherry");
    git(["symbolic-ref", "refs/heads/symbolic", "refs/heads/banana"]);
    git(["symbolic-ref", "HEAD", "refs/heads/symbolic"]);
    assert.equal(await name(), "refs/heads/banana");
    assert.equal(await name(true), "refs/heads/banana");
  }
});

test("findDefaultBranchName fails when HEAD names no branch", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine, path } = server.repository();
  const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "one"]);
  const assertFailure = async (): Promise<void> => {
    await assert.rejects(client.findDefaultBranchName({ repository }), {
      kind: "internal",
      message: "get default branch: exit status 128",
    });
    await assert.rejects(client.findDefaultBranchName({ repository, headOnly: true }), {
      kind: "internal",
      message: "head reference: exit status 128",
    });
  };
  git(["update-ref", "--no-deref", "HEAD", commit]);
  await assertFailure();
  writeFileSync(join(path, "HEAD"), "garbage\n");
  await assertFailure();
});

test("findDefaultBranchName needs a repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  await assertRepositoryErrors((repository) =>
    client.findDefaultBranchName({ ...(repository && { repository }) }),
  );
});
