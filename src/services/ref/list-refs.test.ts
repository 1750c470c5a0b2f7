import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { MessageInitShape, UnknownEnum } from "@bufbuild/protobuf";
import {
  ListRefsRequest_SortBy_Key as Key,
  type ListRefsRequestSchema,
  RefService,
} from "../../proto/ref_pb.ts";
import { SortDirection } from "../../proto/shared_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

/** The fields of a request. */
type Request = Exclude<MessageInitShape<typeof ListRefsRequestSchema>, { $typeName: string }>;

function unknownEnum(value: number): UnknownEnum {
  return value as UnknownEnum;
}

const KINDS = [
  { format: "sha1", refFormat: "files" },
  { format: "sha256", refFormat: "reftable" },
] as const;

/** References of all kinds, with objects of all kinds, some of them with the same dates. */
function addRefs({ git, gitLine }: ServedRepository): void {
  const tree = gitLine(["mktree"]);
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const dated = (author: number, committer: number): string => {
    const env = { GIT_AUTHOR_DATE: `${author} +0100`, GIT_COMMITTER_DATE: `${committer} -0230` };
    return gitLine(["commit-tree", tree, "-m", "message"], { env });
  };
  const commits = [
    dated(1_100_000_000, 1_200_000_000),
    dated(1_300_000_000, 1_100_000_000),
    dated(1_050_000_000, 1_200_000_000),
  ];
  const [one = "", two = "", three = ""] = commits;
  const refs = { main: one, UPPER: two, upper: three, old: two, "folder/a": one, "Folder/b": two };
  for (const [name, oid] of Object.entries(refs)) git(["update-ref", `refs/heads/${name}`, oid]);
  git(["symbolic-ref", "refs/heads/symbolic", "refs/heads/main"]);
  git(["symbolic-ref", "refs/heads/dangling", "refs/heads/missing"]);
  git(["update-ref", "refs/remotes/origin/ünïcode", three]);
  git(["tag", "light", two]);
  git(["tag", "-m", "message", "annotated", one], {
    env: { GIT_COMMITTER_DATE: "1150000000 +0000" },
  });
  git(["tag", "-m", "message", "nested", "annotated"]);
  git(["update-ref", "refs/tags/tree", tree]);
  git(["update-ref", "refs/tags/blob", blob]);
  git(["pack-refs", "--all"]);
  git(["update-ref", "refs/heads/loose", three]);
}

test("listRefs lists what git for-each-ref lists, in its order", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const bytes = (texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text));
  const { ASCENDING, DESCENDING } = SortDirection;
  const cases: readonly [patterns: string[], flags: string[], request: Request][] = [
    [["refs/"], [], {}],
    [["refs/heads"], [], {}],
    [["refs/heads/*"], [], {}],
    [["refs/heads/**"], [], {}],
    [["refs/heads/folder", "refs/tags/*", "refs/heads/main"], [], {}],
    [["none", "refs/heads/ma"], [], {}],
    [["refs/"], ["--sort=-refname"], { sortBy: { direction: DESCENDING } }],
    [["refs/"], ["--sort=authordate"], { sortBy: { key: Key.AUTHORDATE } }],
    [["refs/"], ["--sort=creatordate"], { sortBy: { key: Key.CREATORDATE, direction: ASCENDING } }],
    [["refs/"], ["--sort=committerdate"], { sortBy: { key: Key.COMMITTERDATE } }],
    [
      ["refs/"],
      ["--sort=-committerdate"],
      { sortBy: { key: Key.COMMITTERDATE, direction: DESCENDING } },
    ],
    [["refs/heads/Upper"], ["--ignore-case"], { ignoreCase: true }],
    [["refs/HEADS/**"], ["--ignore-case"], { ignoreCase: true }],
    [["refs/heads/FOLDER"], ["--ignore-case"], { ignoreCase: true }],
    [
      ["refs/"],
      ["--ignore-case", "--sort=-creatordate", "--exclude=refs/HEADS/M*"],
      {
        ignoreCase: true,
        sortBy: { key: Key.CREATORDATE, direction: DESCENDING },
        excludePatterns: bytes(["refs/HEADS/M*"]),
      },
    ],
    [
      ["refs/heads"],
      ["--exclude=refs/heads/folder", "--exclude=refs/heads/o*"],
      { excludePatterns: bytes(["refs/heads/folder", "refs/heads/o*"]) },
    ],
    [
      ["refs/"],
      ["--points-at=refs/heads/main", "--points-at=UPPER"],
      { pointingAtOids: bytes(["refs/heads/main", "UPPER"]) },
    ],
  ];
  for (const kind of KINDS) {
    const repository = server.repository(kind);
    addRefs(repository);
    for (const [patterns, flags, request] of cases) {
      for (const peelTags of [false, true]) {
        const peeled = peelTags ? "%(*objectname)" : "";
        const format = `--format=%(refname) %(objectname) ${peeled}`;
        const expected = repository.gitLines(["for-each-ref", format, ...flags, ...patterns]);
        const replies = await collect(
          client.listRefs({
            ...request,
            repository: repository.address,
            patterns: bytes(patterns),
            peelTags,
          }),
        );
        const actual = replies.flatMap(({ references }) =>
          references.map(
            ({ name, target, peeledTarget }) => `${Buffer.from(name)} ${target} ${peeledTarget}`,
          ),
        );
        assert.deepEqual(actual, expected, JSON.stringify([patterns, flags]));
      }
    }
  }
});

interface Page {
  readonly names: string[];
  readonly next: string | undefined;
}

test("listRefs cuts the list into pages and the pages into replies", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address, git, gitLine } = server.repository();
  const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
  const names = Array.from({ length: 45 }, (_, i) => `refs/tags/${String(i).padStart(2, "0")}`);
  git(["update-ref", "--stdin"], { input: names.map((n) => `create ${n} ${commit}\n`).join("") });
  const page = async (limit: number, pageToken = ""): Promise<Page> => {
    const request = { repository: address, patterns: [Buffer.from("refs/tags/")] };
    const paginationParams = { limit, pageToken };
    const replies = await collect(client.listRefs({ ...request, paginationParams }));
    assert.ok(replies.every(({ references }) => references.length <= 20));
    assert.ok(replies.slice(0, -1).every(({ paginationCursor }) => paginationCursor === undefined));
    const next = replies.at(-1)?.paginationCursor?.nextCursor;
    const received = replies.flatMap(({ references }) => references.map(({ name }) => name));
    return { names: received.map((name) => Buffer.from(name).toString()), next };
  };
  assert.deepEqual(await page(-1), { names, next: undefined });
  assert.deepEqual(await page(45), { names, next: undefined });
  assert.deepEqual(await page(0), { names: [], next: undefined });
  for (const limit of [1, 20, 21, 44]) {
    const first = await page(limit);
    assert.deepEqual(first.names, names.slice(0, limit));
    const cursor = JSON.parse(Buffer.from(first.next ?? "", "base64").toString());
    assert.deepEqual(cursor, { ref_name: names[limit - 1] });
    const second = await page(100, first.next);
    assert.deepEqual(second, { names: names.slice(limit), next: undefined });
  }
  assert.deepEqual(await page(2, names[40]), {
    names: names.slice(41, 43),
    next: tokenOf(names[42]),
  });
  assert.deepEqual(await page(2, names[44]), { names: [], next: undefined });
});

function tokenOf(name: string | undefined): string {
  return Buffer.from(JSON.stringify({ ref_name: name })).toString("base64");
}

test("listRefs puts HEAD first when it leads anywhere", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine } = server.repository();
  const patterns = [Buffer.from("refs/heads/*")];
  assert.deepEqual(await collect(client.listRefs({ repository, patterns, head: true })), []);
  const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
  git(["update-ref", "refs/heads/main", commit]);
  const [reply] = await collect(client.listRefs({ repository, patterns, head: true }));
  const names = reply?.references.map(({ name }) => Buffer.from(name).toString());
  assert.deepEqual(names, ["HEAD", "refs/heads/main"]);
  const none = [Buffer.from("refs/none")];
  assert.deepEqual(await collect(client.listRefs({ repository, patterns: none, head: true })), []);
});

test("listRefs refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository } = server.repository();
  const patterns = [Buffer.from("refs/heads/*")];
  const exclude = (text: string): Request => ({ excludePatterns: [Buffer.from(text)], patterns });
  const token = "invalid page token: sending lines: could not find page token";
  const cases: readonly [Request, kind: string, message: string][] = [
    [{}, "invalid-argument", "patterns must have at least one entry"],
    [
      { patterns, sortBy: { key: unknownEnum(100) } },
      "invalid-argument",
      'sorting key "100" is not supported',
    ],
    [
      { patterns, sortBy: { direction: unknownEnum(-2) } },
      "invalid-argument",
      "sorting direction is not supported",
    ],
    [exclude(""), "invalid-argument", "empty exclude pattern"],
    [exclude("main"), "invalid-argument", 'exclude pattern must start with "refs/": "main"'],
    [
      exclude("refs/\0evil"),
      "invalid-argument",
      'exclude pattern contains null byte: "refs/\\x00evil"',
    ],
    [{ patterns, paginationParams: { pageToken: "none", limit: 2 } }, "invalid-argument", token],
    [{ patterns, paginationParams: { pageToken: "none" } }, "invalid-argument", token],
    [
      { patterns, paginationParams: { pageToken: "none" }, pointingAtOids: [Buffer.from("none")] },
      "invalid-argument",
      token,
    ],
    [
      { patterns: [Buffer.from("-x")] },
      "internal",
      `spawning for-each-ref: positional arg "-x" cannot start with dash '-': invalid argument`,
    ],
    [
      { patterns: [Buffer.from("a\0")] },
      "internal",
      'spawning for-each-ref: detected null byte in command argument "a\\x00"',
    ],
    [
      { patterns, pointingAtOids: [Buffer.from("missing")] },
      "internal",
      "listing failed with exit code 129",
    ],
  ];
  for (const [request, kind, message] of cases) {
    const replies = client.listRefs({ ...request, repository });
    await assert.rejects(collect(replies), { kind, message }, message);
  }
  await assertRepositoryErrors((address) =>
    client.listRefs({ patterns, ...(address && { repository: address }) }),
  );
});

test("listRefs fails when it has to look at an object that isn't there", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, path } = server.repository();
  writeFileSync(join(path, "refs/heads/main"), `${"1".repeat(40)}\n`);
  const patterns = [Buffer.from("refs/")];
  assert.equal((await collect(client.listRefs({ repository, patterns }))).length, 1);
  const requests: Request[] = [{ peelTags: true }, { sortBy: { key: Key.CREATORDATE } }];
  for (const request of [...requests, { pointingAtOids: [Buffer.from("2".repeat(40))] }]) {
    await assert.rejects(collect(client.listRefs({ ...request, repository, patterns })), {
      kind: "internal",
      message: "listing failed with exit code 128",
    });
  }
});

test("listRefs ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RefService);
  const { address: repository, git, gitLine } = server.repository();
  const commit = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "message"]);
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => `create refs/heads/${"x".repeat(50)}${i} ${commit}\n`,
  );
  git(["update-ref", "--stdin"], { input: lines.join("") });
  git(["pack-refs", "--all"]);
  const gone = new AbortController();
  const patterns = [Buffer.from("refs/")];
  const replies = client.listRefs({ repository, patterns }, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
