import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { CommitService, type CountCommitsRequestSchema } from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<MessageInitShape<typeof CountCommitsRequestSchema>, { $typeName: string }>;

const time = (year: number): { seconds: bigint } => {
  return { seconds: BigInt(Date.UTC(year, 0, 1, 1, 1, 1) / 1000) };
};

const bytes = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

const CASES: readonly [Request, args: string[]][] = [
  [{ revision: Buffer.from("main") }, ["main"]],
  [{ revision: Buffer.from("side..main") }, ["side..main"]],
  [{ revision: Buffer.from("side...main") }, ["side...main"]],
  [{ revision: Buffer.from("annotated") }, ["annotated"]],
  [{ revision: Buffer.from("@{0}") }, ["@{0}"]],
  [{ all: true }, ["--all"]],
  [{ revisions: bytes("main", "^side") }, ["main", "^side"]],
  [{ revisions: bytes("--branches", "--not", "side") }, ["--branches", "--not", "side"]],
  [{ revisions: bytes("--glob=refs/other") }, ["--glob=refs/other"]],
  [{ revision: Buffer.from("main"), maxCount: 3 }, ["--max-count=3", "main"]],
  [{ revision: Buffer.from("main"), firstParent: true }, ["--first-parent", "main"]],
  [
    { revision: Buffer.from("main"), before: time(2006) },
    ["--before=2006-01-01T01:01:01Z", "main"],
  ],
  [{ revision: Buffer.from("main"), after: time(2003) }, ["--after=2003-01-01T01:01:01Z", "main"]],
  [{ revision: Buffer.from("main"), path: Buffer.from("file") }, ["main", "--", "file"]],
  [{ revision: Buffer.from("main"), path: Buffer.from("f*") }, ["main", "--", "f*"]],
  [
    {
      revision: Buffer.from("main"),
      path: Buffer.from("f*"),
      globalOptions: { literalPathspecs: true },
    },
    ["main", "^main"],
  ],
];

test("countCommits counts what git rev-list counts", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address, gitLine, ...repository } = server.repository({ format });
    addBranchingHistory({ ...repository, gitLine });
    for (const [request, args] of CASES) {
      const { count } = await client.countCommits({ ...request, repository: address });
      assert.equal(count, Number(gitLine(["rev-list", "--count", ...args])), args.join(" "));
    }
  }
});

test("countCommits finds nothing where git finds fault", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address, ...repository } = server.repository();
  const count = async (revision: string): Promise<number> =>
    (await client.countCommits({ repository: address, revision: Buffer.from(revision) })).count;
  assert.equal(await count("HEAD"), 0);
  addBranchingHistory(repository);
  for (const revision of ["missing", "missing..main", "1".repeat(40), "blob"]) {
    assert.equal(await count(revision), 0, revision);
  }
});

test("countCommits refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const cases: readonly [Request, string][] = [
    [{}, "empty Revision and false All"],
    [{ revision: Buffer.from("--output=/meow") }, "revision can't start with '-'"],
    [{ revision: Buffer.from("a:b"), all: true }, "revision can't contain ':'"],
    [{ revisions: bytes("main", "-x") }, "invalid revision: revision can't start with '-'"],
    [{ revisions: bytes("") }, "invalid revision: empty revision"],
  ];
  for (const [request, message] of cases) {
    await assert.rejects(client.countCommits({ ...request, repository }), {
      kind: "invalid-argument",
      message,
    });
  }
  await assert.rejects(
    client.countCommits({ repository, revision: Buffer.from("HEAD"), path: Buffer.from("a\0") }),
    { kind: "internal", message: 'cmd: detected null byte in command argument "a\\x00"' },
  );
  await assertRepositoryErrors((address) =>
    client.countCommits({ ...(address && { repository: address }) }),
  );
});
