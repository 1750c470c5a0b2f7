import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("commitStats compares a commit with its first parent", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const one = changeFiles(repository, { a: "1\n2\n", binary: Buffer.from("a\0"), moved: "m\n" });
    const two = changeFiles(repository, {
      a: "1\ntwo\nthree\n",
      binary: Buffer.from("b\0"),
      "q\n\xff": "x\n",
      moved: null,
      "moved-away": "m\n",
    });
    repository.git(["update-ref", "refs/heads/side", one]);
    const side = changeFiles(repository, { b: "1\n2\n3\n" }, { ref: "refs/heads/side" });
    const merge = changeFiles(repository, { b: "1\n2\n3\n" }, { merges: [side] });
    const empty = changeFiles(repository, {});
    repository.git(["tag", "-m", "tagged", "v1.0", two]);
    const cases: [revision: string, oid: string, ...counts: number[]][] = [
      [one, one, 3, 0, 3],
      [two, two, 3, 1, 4],
      ["v1.0", two, 3, 1, 4],
      ["side", side, 3, 0, 1],
      [merge, merge, 3, 0, 1],
      ["main~", merge, 3, 0, 1],
      ["main", empty, 0, 0, 0],
    ];
    for (const [revision, ...expected] of cases) {
      const request = { repository: repository.address, revision: Buffer.from(revision) };
      const { oid, additions, deletions, files } = await client.commitStats(request);
      assert.deepEqual([oid, additions, deletions, files], expected, revision);
    }
  }
});

test("commitStats fails without a commit", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository, gitLine } = server.repository();
  const tree = gitLine(["mktree"]);
  for (const revision of ["main", tree, "1".repeat(40)]) {
    await assert.rejects(client.commitStats({ repository, revision: Buffer.from(revision) }), {
      kind: "internal",
      message: "object not found",
    });
  }
  const cases = [
    ["", "empty revision"],
    ["--output=/meow", "revision can't start with '-'"],
  ] as const;
  for (const [revision, message] of cases) {
    await assert.rejects(client.commitStats({ repository, revision: Buffer.from(revision) }), {
      kind: "invalid-argument",
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.commitStats({ ...(address && { repository: address }) }),
  );
});
