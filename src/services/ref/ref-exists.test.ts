import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

const KINDS = [
  { format: "sha1", refFormat: "files" },
  { format: "sha256", refFormat: "reftable" },
] as const;

test("refExists tells references that are there from others", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const kind of KINDS) {
    const { address, git, gitLine } = server.repository(kind);
    const tree = gitLine(["mktree"]);
    const commit = gitLine(["commit-tree", tree, "-m", "one"]);
    for (const name of ["heads/main", "heads/'test'", "heads/ʕ•ᴥ•ʔ", "tags/v1.0.0", "heads/a/b"]) {
      git(["update-ref", `refs/${name}`, commit]);
    }
    git(["symbolic-ref", "refs/heads/symbolic", "refs/heads/main"]);
    git(["symbolic-ref", "refs/heads/dangling", "refs/heads/missing"]);
    git(["pack-refs", "--all"]);
    git(["update-ref", "refs/heads/loose", commit]);
    const exists = async (ref: string): Promise<boolean> =>
      (await client.refExists({ repository: address, ref: Buffer.from(ref) })).value;
    const present = ["main", "'test'", "ʕ•ᴥ•ʔ", "a/b", "symbolic", "loose"];
    for (const name of present) assert.equal(await exists(`refs/heads/${name}`), true, name);
    assert.equal(await exists("refs/tags/v1.0.0"), true);
    const absent = [
      "refs/heads/*",
      "refs/ /heads",
      "refs/; rm -rf /tmp/*",
      "refs/heads/a",
      "refs/",
    ];
    absent.push("refs/heads/dangling", "refs/heads/main/x", "refs/heads/main.lock", "refs/tags/अ");
    for (const name of absent) assert.equal(await exists(name), false, name);
    git(["update-ref", "-d", "refs/heads/a/b"]);
    assert.equal(await exists("refs/heads/a/b"), false);
  }
});

test("refExists fails on a reference to an object that isn't there", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address, path } = server.repository();
  writeFileSync(join(path, "refs/heads/main"), `${"1".repeat(40)}\n`);
  const request = { repository: address, ref: Buffer.from("refs/heads/main") };
  await assert.rejects(client.refExists(request), { kind: "internal", message: "exit status 128" });
});

test("refExists refuses what is no reference's name", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address, path } = server.repository();
  const cases = [
    ["", "invalid-argument", "invalid refname"],
    ["--", "invalid-argument", "invalid refname"],
    ["HEAD", "invalid-argument", "invalid refname"],
    ["in valid", "invalid-argument", "invalid refname"],
    ["refs/a\0b", "internal", 'detected null byte in command argument "refs/a\\x00b"'],
  ] as const;
  for (const [ref, kind, message] of cases) {
    const request = { repository: address, ref: Buffer.from(ref) };
    await assert.rejects(client.refExists(request), { kind, message });
  }
  await assertRepositoryErrors((repository) =>
    client.refExists({ ...(repository && { repository }) }),
  );
  rmSync(join(path, "HEAD"));
  await assert.rejects(client.refExists({ repository: address }), { kind: "failed-precondition" });
});
