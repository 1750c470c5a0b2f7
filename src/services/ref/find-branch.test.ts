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

test("findBranch finds branches by the name behind refs/heads/", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const kind of KINDS) {
    const { address: repository, git, gitLine } = server.repository(kind);
    const tree = gitLine(["mktree"]);
    const tips = new Map<string, string>();
    for (const name of ["branch", "heads/branch", "refs/heads/branch", "ünïcode"]) {
      const commit = gitLine(["commit-tree", tree, "-m", name]);
      git(["update-ref", `refs/heads/${name}`, commit]);
      tips.set(name, commit);
    }
    git(["symbolic-ref", "refs/heads/symbolic", "refs/heads/branch"]);
    for (const [name, commit] of tips) {
      const reply = await client.findBranch({ repository, name: Buffer.from(name) });
      assert.equal(Buffer.from(reply.branch?.name ?? []).toString(), name);
      assert.equal(reply.branch?.targetCommit?.id, commit);
      assert.equal(reply.branch?.targetCommit?.treeId, tree);
      assert.equal(Buffer.from(reply.branch?.targetCommit?.subject ?? []).toString(), name);
    }
    const symbolic = await client.findBranch({ repository, name: Buffer.from("symbolic") });
    assert.equal(symbolic.branch?.targetCommit?.id, tips.get("branch"));
    for (const name of ["missing", "missing/", "in valid", "ref?"]) {
      const reply = await client.findBranch({ repository, name: Buffer.from(name) });
      assert.equal(reply.branch, undefined, name);
    }
  }
});

test("findBranch refuses names that stand for others", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine } = server.repository();
  const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "one"]);
  git(["update-ref", "refs/heads/branch", commit]);
  git(["update-ref", "refs/heads/folder/branch", commit]);
  const ambiguous = "target reference is ambiguous: reference is ambiguous: conflicts with";
  const cases = [
    ["", "invalid-argument", "Branch name cannot be empty"],
    ["b*", "invalid-argument", `${ambiguous} "refs/heads/branch"`],
    ["folder", "invalid-argument", `${ambiguous} "refs/heads/folder/branch"`],
    ["folder/", "invalid-argument", `${ambiguous} "refs/heads/folder/branch"`],
    ["a\0b", "internal", 'detected null byte in command argument "refs/heads/a\\x00b"'],
  ] as const;
  for (const [name, kind, message] of cases) {
    await assert.rejects(client.findBranch({ repository, name: Buffer.from(name) }), {
      kind,
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.findBranch({ ...(address && { repository: address }) }),
  );
});

test("findBranch fails when a branch leads to no commit", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, gitLine, path } = server.repository();
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  for (const oid of [blob, "1".repeat(40)]) {
    writeFileSync(join(path, "refs/heads/main"), `${oid}\n`);
    await assert.rejects(client.findBranch({ repository, name: Buffer.from("main") }), {
      kind: "internal",
      message: "object not found",
    });
  }
});
