import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

const bytes = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

test("checkObjectsExist says of each revision whether there is such an object", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const [root = ""] = addBranchingHistory(repository);
    const requests = [
      { repository: repository.address, revisions: bytes("main", "missing") },
      { revisions: [] },
      { revisions: bytes("1".repeat(root.length), root, root.slice(0, 8), "main:none") },
      { revisions: bytes("annotated^{tree}", "annotated:file", "annotated:with space", "@{0}") },
    ];
    const replies = await collect(client.checkObjectsExist(requests));
    assert.equal(replies.length, 1);
    const found = replies.flatMap(({ revisions }) =>
      revisions.map(({ name, exists }) => [Buffer.from(name).toString(), exists]),
    );
    assert.deepEqual(found, [
      ["main", true],
      ["missing", false],
      ["1".repeat(root.length), false],
      [root, true],
      [root.slice(0, 8), true],
      ["main:none", false],
      ["annotated^{tree}", true],
      ["annotated:file", true],
      ["annotated:with space", false],
      ["@{0}", true],
    ]);
  }
});

test("checkObjectsExist answers nothing when nothing is asked", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  assert.deepEqual(await collect(client.checkObjectsExist([{ repository }])), []);
});

test("checkObjectsExist fills replies by their size", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const revisions = Array.from({ length: 200 }, () => Buffer.alloc(10_000, "x"));
  const replies = await collect(client.checkObjectsExist([{ repository, revisions }]));
  assert.deepEqual(
    replies.map((reply) => reply.revisions.length),
    [104, 96],
  );
});

test("checkObjectsExist refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const cases = [
    ["", "empty revision"],
    ["-x", "revision can't start with '-'"],
    ["a b", "revision can't contain whitespace"],
    ["a:b\0", "revision can't contain NUL"],
  ] as const;
  for (const [revision, problem] of cases) {
    const requests = [{ repository, revisions: bytes("HEAD") }, { revisions: bytes(revision) }];
    await assert.rejects(collect(client.checkObjectsExist(requests)), {
      kind: "invalid-argument",
      message: `invalid revision: ${problem}`,
    });
  }
  await assert.rejects(collect(client.checkObjectsExist([])), {
    kind: "internal",
    message: "EOF",
  });
  await assertRepositoryErrors((address) =>
    client.checkObjectsExist([{ ...(address && { repository: address }) }]),
  );
});
