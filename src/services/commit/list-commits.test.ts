import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  CommitService,
  type ListCommitsRequestSchema,
  type ListCommitsResponse,
  ListCommitsRequest_Order as Order,
} from "../../proto/commit_pb.ts";
import { addBranchingHistory } from "../../testing/branching-history.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<MessageInitShape<typeof ListCommitsRequestSchema>, { $typeName: string }>;

function ids(replies: readonly ListCommitsResponse[]): string[] {
  return replies.flatMap(({ commits }) => commits.map(({ id }) => id));
}

const REVISIONS: readonly string[][] = [
  ["main"],
  ["HEAD"],
  ["annotated", "side"],
  ["main", "^side"],
  ["^main", "side"],
  ["side..main"],
  ["main..side"],
  ["side..."],
  ["..side"],
  ["light...side"],
  ["--all"],
  ["--branches"],
  ["--tags"],
  ["--not", "side", "--not", "--all"],
  ["main", "--not", "--tags"],
  ["main", "--not", "^side"],
  ["--branches=s*"],
  ["--glob=refs/other"],
  ["blob", "tree", "light"],
  ["blob"],
  ["main^@"],
  ["main^!"],
  ["main~1", "main^2", "light^{commit}"],
];

const time = (year: number, nanos = 0) => {
  return { seconds: BigInt(Date.UTC(year, 0, 1, 1, 1, 1) / 1000), nanos };
};

const OPTIONS: readonly [Request, flags: string[]][] = [
  [{}, []],
  [{ order: Order.TOPO }, ["--topo-order"]],
  [{ order: Order.DATE }, ["--date-order"]],
  [{ reverse: true }, ["--reverse"]],
  [{ reverse: true, skip: 1 }, ["--reverse", "--skip=1"]],
  [{ maxParents: 1 }, ["--max-parents=1"]],
  [{ maxParents: 2, skip: 2 }, ["--max-parents=2", "--skip=2"]],
  [{ firstParent: true }, ["--first-parent"]],
  [{ disableWalk: true }, ["--no-walk"]],
  [{ before: time(2006) }, ["--before=2006-01-01 01:01:01 +0000 UTC"]],
  [{ after: time(2001, 5_000_000) }, ["--after=2001-01-01 01:01:01.005 +0000 UTC"]],
  [
    { before: time(2006), after: time(2002) },
    ["--before=2006-01-01 01:01:01 +0000", "--after=2002-01-01 01:01:01 +0000"],
  ],
  [{ before: time(1969) }, ["--before=1969-01-01 01:01:01 +0000 UTC"]],
  [{ author: Buffer.from("Some.*else"), ignoreCase: true }, ["--author=Some.*else", "-i"]],
  [{ author: Buffer.from("somebody") }, ["--author=somebody"]],
  [
    { commitMessagePatterns: [Buffer.from("[12]$"), Buffer.from("t 7")] },
    ["--grep=[12]$", "--grep=t 7"],
  ],
  [{ paths: [Buffer.from("file")] }, ["--", "file"]],
  [{ paths: [Buffer.from("f*")] }, ["--", "f*"]],
];

test("listCommits lists what git rev-list lists, in its order", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    addBranchingHistory(repository);
    for (const [index, revisions] of REVISIONS.entries()) {
      for (const [optionsIndex, [options, flags]] of OPTIONS.entries()) {
        // A third of the combinations, another one for each format, and all plain ones.
        const turn = (index + optionsIndex + Number(format === "sha1")) % 3;
        if (optionsIndex > 0 && turn !== 0) continue;
        const args = ["rev-list", "--stdin", ...flags];
        const request = { ...options, repository: repository.address, revisions };
        const actual = ids(await collect(client.listCommits(request)));
        const expected = repository.gitLines(args, { input: revisions.join("\n") });
        assert.deepEqual(actual, expected, `${args.join(" ")} ${revisions.join(" ")}`);
      }
    }
  }
});

test("listCommits takes paths literally when asked", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  addBranchingHistory(repository);
  const request = {
    repository: repository.address,
    revisions: ["main"],
    paths: [Buffer.from("f*")],
  };
  const globalOptions = { literalPathspecs: true };
  assert.deepEqual(await collect(client.listCommits({ ...request, globalOptions })), []);
});

test("listCommits cuts pages behind a token", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  addBranchingHistory(repository);
  const all = repository.gitLines(["rev-list", "main"]);
  const page = async (limit: number, pageToken = ""): Promise<[string[], string | undefined]> => {
    const replies = await collect(
      client.listCommits({
        repository: repository.address,
        revisions: ["main"],
        paginationParams: { limit, pageToken },
      }),
    );
    return [ids(replies), replies.at(-1)?.paginationCursor?.nextCursor];
  };
  assert.deepEqual(await page(0), [all, undefined]);
  assert.deepEqual(await page(-1), [all, undefined]);
  assert.deepEqual(await page(all.length), [all, undefined]);
  assert.deepEqual(await page(3), [all.slice(0, 3), all[2]]);
  assert.deepEqual(await page(3, all[2]), [all.slice(3, 6), all[5]]);
  assert.deepEqual(await page(10, all[2]), [all.slice(3), undefined]);
  assert.deepEqual(await page(0, all[2]), [all.slice(3), undefined]);
  assert.deepEqual(await page(3, "0".repeat(40)), [[], undefined]);
  assert.deepEqual(await page(3, all.at(-1)), [[], undefined]);
});

test("listCommits sends many commits in replies of limited size", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address, git, gitLine } = server.repository();
  const message = `subject\n\n${"x".repeat(20_000)}\n`;
  const data = `data ${message.length}\n${message}`;
  const commit = "commit refs/heads/main\ncommitter C <c@example.com> 1700000000 +0000\n";
  git(["fast-import", "--quiet"], { input: `${commit}${data}\n`.repeat(250) });
  const request = { repository: address, revisions: ["main"], paginationParams: { limit: 220 } };
  const replies = await collect(client.listCommits(request));
  assert.deepEqual(
    replies.map(({ commits }) => commits.length),
    [100, 100, 20],
  );
  const cursors = replies.map(({ paginationCursor }) => paginationCursor?.nextCursor);
  assert.deepEqual(cursors, [undefined, undefined, gitLine(["rev-parse", "main~219"])]);
});

test("listCommits says what git says about bad revisions", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  const cases = [
    ["missing", "fatal: bad revision 'missing'\\n"],
    [`${"0".repeat(39)}1`, `fatal: bad object ${"0".repeat(39)}1\\n`],
    ["a..b", "fatal: bad revision 'a..b'\\n"],
    ["HEAD", "fatal: bad revision 'HEAD'\\n"],
  ] as const;
  for (const [revision, stderr] of cases) {
    const request = { repository: repository.address, revisions: [revision] };
    await assert.rejects(collect(client.listCommits(request)), {
      kind: "internal",
      message: `iterating objects: rev-list pipeline command: exit status 128, stderr: "${stderr}"`,
    });
  }
  const request = { repository: repository.address, revisions: ["--all"] };
  assert.deepEqual(await collect(client.listCommits(request)), []);
});

test("listCommits refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const cases: readonly [string[], string][] = [
    [[], "missing revisions"],
    [["main", "--foobar"], "invalid revision: revision can't start with '-'"],
    [[""], "invalid revision: empty revision"],
    [["a b"], "invalid revision: revision can't contain whitespace"],
  ];
  for (const [revisions, message] of cases) {
    await assert.rejects(collect(client.listCommits({ repository, revisions })), {
      kind: "invalid-argument",
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.listCommits({ ...(address && { repository: address }) }),
  );
});

test("listCommits ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address, git } = server.repository();
  const message = "x".repeat(10_000);
  const commit = `commit refs/heads/main\ncommitter C <c@x> 1700000000 +0000\ndata 10000\n${message}\n`;
  git(["fast-import", "--quiet"], { input: commit.repeat(3000) });
  for (const paths of [[], [Buffer.from(":(exclude)none")]]) {
    const gone = new AbortController();
    const request = { repository: address, revisions: ["main"], paths };
    const replies = client.listCommits(request, { signal: gone.signal });
    if (paths.length === 0) await replies.next();
    gone.abort();
    await assert.rejects(collect(replies), { kind: "cancelled" });
  }
});
