import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../testing/test-server.ts";

async function mergeBase(
  server: TestServer,
  { address }: ServedRepository,
  revisions: readonly (string | Uint8Array)[],
): Promise<string> {
  const client = server.client(RepositoryService);
  const request = { repository: address, revisions: revisions.map((each) => Buffer.from(each)) };
  return (await client.findMergeBase(request)).base;
}

function addCommit(
  { gitLine }: ServedRepository,
  message: string,
  ...parents: readonly string[]
): string {
  const tree = gitLine(["hash-object", "-w", "-t", "tree", "--stdin"]);
  const flags = parents.flatMap((parent) => ["-p", parent]);
  return gitLine(["commit-tree", "-m", message, ...flags, tree]);
}

test("findMergeBase finds the base that git finds", async (t) => {
  const server = await startTestServer(t);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    // Two lines of history that are merged crosswise, so that there are two best bases.
    const base = addCommit(repository, "base");
    const unrelated = addCommit(repository, "unrelated");
    const [l1, r1] = [addCommit(repository, "l1", base), addCommit(repository, "r1", base)];
    const l2 = addCommit(repository, "l2", l1);
    const r2 = addCommit(repository, "r2", r1, l1);
    const l3 = addCommit(repository, "l3", l2, r2);
    const r3 = addCommit(repository, "r3", r2, l2);
    repository.git(["update-ref", "refs/heads/l1", l1]);
    repository.git(["tag", "-a", "-m", "tag", "r1", r1]);
    const cases = [
      [l1, r1],
      ["l1", "r1"],
      ["l1", "refs/tags/r1"],
      [l1.slice(0, 12), `${r2}^`],
      [base, unrelated],
      [l1, l2, r1],
      [l3, r3],
      [l1, l1],
      [l1, r1, unrelated],
      ["l1@{0}", "r1"],
    ];
    for (const revisions of cases) {
      let expected = "";
      try {
        expected = repository.gitLine(["merge-base", ...revisions]);
      } catch {
        // None, or a revision that leads nowhere.
      }
      assert.equal(await mergeBase(server, repository, revisions), expected, revisions.join(" "));
    }
    assert.equal(await mergeBase(server, repository, ["l1", "r1"]), base);
  }
});

test("findMergeBase finds nothing where a revision leads to no commit", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const [one, two] = [addCommit(repository, "one"), addCommit(repository, "two")];
  const three = addCommit(repository, "three", one, two);
  const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "x" });
  for (const other of ["missing", "1".repeat(40), blob, `${one}^{tree}`, `${one}^`, ""]) {
    assert.equal(await mergeBase(server, repository, [one, other]), "", other);
  }
  assert.equal(await mergeBase(server, repository, [three, two]), two);
  rmSync(join(repository.path, "objects", two.slice(0, 2), two.slice(2)));
  assert.equal(await mergeBase(server, repository, [three, addCommit(repository, "four")]), "");
});

test("findMergeBase takes names of any bytes", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  const one = addCommit(repository, "one");
  repository.git(["update-ref", "--stdin"], {
    input: Buffer.from(`create refs/heads/\xff ${one}\n`, "latin1"),
  });
  const name = Buffer.of(0xff);
  assert.equal(await mergeBase(server, repository, [name, one]), one);
});

test("findMergeBase refuses too few revisions and what looks like an option", async (t) => {
  const server = await startTestServer(t);
  const repository = server.repository();
  for (const revisions of [[], ["main"]]) {
    await assert.rejects(mergeBase(server, repository, revisions), {
      kind: "invalid-argument",
      message: "at least 2 revisions are required",
    });
  }
  await assert.rejects(mergeBase(server, repository, ["main", "--all"]), {
    kind: "internal",
    message: "cmd: positional arg \"--all\" cannot start with dash '-': invalid argument",
  });
  await assert.rejects(mergeBase(server, repository, ["main", "a\0b"]), {
    kind: "internal",
    message: 'cmd: detected null byte in command argument "a\\x00b"',
  });
});

test("findMergeBase refuses requests that name no repository", async (t) => {
  const client = (await startTestServer(t)).client(RepositoryService);
  await assertRepositoryErrors((repository) =>
    client.findMergeBase(repository === undefined ? {} : { repository }),
  );
});
