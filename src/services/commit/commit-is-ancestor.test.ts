import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("commitIsAncestor says what git merge-base --is-ancestor says", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const commits = addBranchingHistory(repository);
    const ancestors = ["0", "01", "012", "0123", "01234", "01235", "0123456", "7", "012345678"];
    for (const [child, childId] of commits.entries()) {
      for (const [ancestor, ancestorId] of commits.entries()) {
        const request = { repository: repository.address, ancestorId, childId };
        const { value } = await client.commitIsAncestor(request);
        assert.equal(value, ancestors[child]?.includes(String(ancestor)), `${ancestor} ${child}`);
      }
    }
  }
});

test("commitIsAncestor takes revisions, and says no to those that lead nowhere", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  const [root = ""] = addBranchingHistory(repository);
  const cases = [
    ["side", "main", true],
    ["main", "side", false],
    ["annotated", "main~1", true],
    [root.slice(0, 10), "light", true],
    ["@{0}", "main", true],
    ["blob", "main", false],
    ["missing", "main", false],
    ["main", "missing", false],
    ["main", "^side", false],
    ["1".repeat(40), "main", false],
  ] as const;
  for (const [ancestorId, childId, expected] of cases) {
    const request = { repository: repository.address, ancestorId, childId };
    assert.equal((await client.commitIsAncestor(request)).value, expected, ancestorId);
  }
});

test("commitIsAncestor says no when history has a hole", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address, path, ...repository } = server.repository();
  const [root = "", , two = ""] = addBranchingHistory({ path, ...repository });
  rmSync(join(path, "objects", two.slice(0, 2), two.slice(2)));
  const request = { repository: address, ancestorId: root, childId: "side" };
  assert.equal((await client.commitIsAncestor(request)).value, false);
});

test("commitIsAncestor refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const cases = [
    ["", "main", "invalid-argument", "empty ancestor sha"],
    ["main", "", "invalid-argument", "empty child sha"],
    ["-x", "main", "internal", `positional arg "-x" cannot start with dash '-': invalid argument`],
    ["main", "a\0", "internal", 'detected null byte in command argument "a\\x00"'],
  ] as const;
  for (const [ancestorId, childId, kind, message] of cases) {
    await assert.rejects(client.commitIsAncestor({ repository, ancestorId, childId }), {
      kind,
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.commitIsAncestor({ ...(address && { repository: address }) }),
  );
});
