import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RefService } from "../../proto/ref_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

interface Fields {
  readonly oid?: string;
  readonly refPatterns?: string[];
  readonly sortField?: string;
  readonly limit?: number;
}

test("findRefsByOid lists what git for-each-ref lists", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  for (const refFormat of ["files", "reftable"] as const) {
    const { address: repository, git, gitLine, gitLines } = server.repository({ refFormat });
    const tree = gitLine(["mktree"]);
    const commit = gitLine(["commit-tree", tree, "-m", "message"]);
    const other = gitLine(["commit-tree", tree, "-m", "other"]);
    for (const name of ["one", "two", "ünïcode"]) git(["update-ref", `refs/heads/${name}`, commit]);
    git(["update-ref", "refs/heads/other", other]);
    git(["update-ref", "refs/keep/it", commit]);
    git(["symbolic-ref", "refs/heads/symbolic", "refs/heads/one"]);
    git(["tag", "v1.10", commit]);
    git(["tag", "-m", "message", "v1.9", commit]);
    const cases: readonly [Fields, flags: string[], patterns: string[]][] = [
      [{}, [], []],
      [{ oid: commit.slice(0, 7) }, [], []],
      [{ oid: other }, [`--points-at=${other}`], []],
      [{ limit: 2 }, ["--count=2"], []],
      [{ sortField: "-refname", limit: 3 }, ["--sort=-refname", "--count=3"], []],
      [{ sortField: "v:refname" }, ["--sort=v:refname"], []],
      [{ sortField: "-creatordate" }, ["--sort=-creatordate"], []],
      [{ sortField: "objecttype" }, ["--sort=objecttype"], []],
      [{ refPatterns: ["refs/keep/", "refs/heads/t*"] }, [], ["refs/keep/", "refs/heads/t*"]],
    ];
    for (const [fields, flags, patterns] of cases) {
      const reply = await client.findRefsByOID({ oid: commit, ...fields, repository });
      const all = ["--format=%(refname)", `--points-at=${commit}`, ...flags];
      // Git joins several --points-at, so the one of the case alone counts.
      const own = fields.oid === other ? ["--format=%(refname)", ...flags] : all;
      const args = patterns.length > 0 ? patterns : ["refs/tags/", "refs/heads/"];
      assert.deepEqual(reply.refs, gitLines(["for-each-ref", ...own, ...args]));
    }
  }
});

test("findRefsByOid refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, gitLine } = server.repository();
  const oid = gitLine(["hash-object", "-w", "--stdin"]);
  const failure = "for-each-ref pipeline command: exit status";
  const cases: readonly [Fields, kind: string, message: string][] = [
    [{ oid: "" }, "invalid-argument", "empty Oid"],
    [{ oid: "missing" }, "invalid-argument", `${failure} 129`],
    [{ sortField: "nonsense" }, "internal", `${failure} 128`],
    [
      { refPatterns: ["-x"] },
      "internal",
      `positional arg "-x" cannot start with dash '-': invalid argument`,
    ],
    [{ oid: "a\0b" }, "internal", 'detected null byte in command argument "a\\x00b"'],
  ];
  for (const [fields, kind, message] of cases) {
    const request = { oid, ...fields, repository };
    await assert.rejects(client.findRefsByOID(request), { kind, message }, message);
  }
  await assertRepositoryErrors((address) =>
    client.findRefsByOID({ oid, ...(address && { repository: address }) }),
  );
});

test("findRefsByOid fails on references whose object isn't there", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, gitLine, path } = server.repository();
  writeFileSync(join(path, "refs/heads/main"), `${"1".repeat(40)}\n`);
  const oid = gitLine(["hash-object", "-w", "--stdin"]);
  await assert.rejects(client.findRefsByOID({ repository, oid }), {
    kind: "internal",
    message: "for-each-ref pipeline command: exit status 128",
  });
});

test("findRefsByOid takes what git can't tell apart or count for wrong arguments", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine } = server.repository();
  const prefixes = new Map<string, number>();
  const blobs = Array.from({ length: 1500 }, (_, index) => `blob\ndata <<E\n${index}\nE\n`);
  git(["fast-import", "--quiet"], { input: blobs.join("\n") });
  const objects = gitLine(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
  for (const oid of objects.split("\n")) {
    const prefix = oid.slice(0, 4);
    prefixes.set(prefix, (prefixes.get(prefix) ?? 0) + 1);
  }
  const ambiguous = [...prefixes].find(([, count]) => count > 1)?.[0];
  assert.ok(ambiguous !== undefined);
  const oid = objects.slice(0, 40);
  const failure = {
    kind: "invalid-argument",
    message: "for-each-ref pipeline command: exit status 129",
  };
  await assert.rejects(client.findRefsByOID({ repository, oid: ambiguous }), failure);
  await assert.rejects(client.findRefsByOID({ repository, oid: oid.slice(0, 2) }), failure);
  await assert.rejects(client.findRefsByOID({ repository, oid, limit: 2 ** 31 }), failure);
  const { refs } = await client.findRefsByOID({ repository, oid, limit: 2 ** 31 - 1 });
  assert.deepEqual(refs, []);
});
