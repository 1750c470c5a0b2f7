import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type CommitDiffRequestSchema,
  type CommitDiffResponse,
  CommitDiffRequest_DiffMode as DiffMode,
  DiffService,
  CommitDiffRequest_WhitespaceChanges as WhitespaceChanges,
} from "../../proto/diff_pb.ts";
import type { Client } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<MessageInitShape<typeof CommitDiffRequestSchema>, { $typeName: string }>;

const REPLY_BYTES = 5120;

/** The files that differ, with the pieces of their patches joined. */
async function compare(client: Client<typeof DiffService>, request: Request) {
  const files = [];
  let patch = "";
  let begun: CommitDiffResponse | undefined;
  for (const reply of await collect(client.commitDiff(request))) {
    begun ??= reply;
    patch += Buffer.from(reply.rawPatchData).toString("latin1");
    assert.ok(reply.endOfPatch || reply.rawPatchData.length === REPLY_BYTES);
    if (!reply.endOfPatch) continue;
    const { fromPath, toPath, $typeName, rawPatchData, endOfPatch, ...rest } = begun;
    files.push({
      ...rest,
      from: Buffer.from(fromPath).toString("latin1"),
      to: Buffer.from(toPath).toString("latin1"),
      patch,
    });
    patch = "";
    begun = undefined;
  }
  assert.equal(begun, undefined);
  return files;
}

test("commitDiff tells the files that differ with their patches", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    // A setting of the repository that must not change what is understood here.
    repository.git(["config", "diff.noprefix", "true"]);
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index}\n`).join("");
    const link = { mode: "120000", content: "target" };
    const left = commitFiles(repository, {
      "a\t\xff": "old\n",
      binary: { mode: "100644", content: Buffer.of(0, 1) },
      empty: "",
      gone: "gone\n",
      link: "text\n",
      mode: "m",
      moved: lines,
      plus: "-- a\n",
    });
    const submodule = left;
    const right = commitFiles(repository, {
      "a\t\xff": "new\n",
      binary: { mode: "100644", content: Buffer.of(0, 2) },
      "empty too": "",
      link,
      mode: { mode: "100755", content: "m" },
      "moved away": `${lines}one more\n`,
      plus: "++ a\n",
      submodule: { mode: "160000", oid: submodule },
    });
    const request = {
      repository: repository.address,
      leftCommitId: left,
      rightCommitId: right,
    };
    const files = await compare(client, request);
    assert.deepEqual(
      files.map(({ from, to, oldMode, newMode, binary, linesAdded, linesRemoved, patch }) => [
        from === to ? from : `${from} > ${to}`,
        `${oldMode.toString(8)} > ${newMode.toString(8)}`,
        `${binary ? "binary " : ""}+${linesAdded} -${linesRemoved}`,
        patch,
      ]),
      [
        ["a\t\xff", "100644 > 100644", "+1 -1", "@@ -1 +1 @@\n-old\n+new\n"],
        [
          "binary",
          "100644 > 100644",
          "binary +0 -0",
          "Binary files a/binary and b/binary differ\n",
        ],
        ["empty > empty too", "100644 > 100644", "+0 -0", ""],
        ["gone", "100644 > 0", "+0 -1", "@@ -1 +0,0 @@\n-gone\n"],
        ["link", "100644 > 0", "+0 -1", "@@ -1 +0,0 @@\n-text\n"],
        ["link", "0 > 120000", "+1 -0", "@@ -0,0 +1 @@\n+target\n\\ No newline at end of file\n"],
        ["mode", "100644 > 100755", "+0 -0", ""],
        [
          "moved > moved away",
          "100644 > 100644",
          "+1 -0",
          "@@ -18,3 +18,4 @@ line 16\n line 17\n line 18\n line 19\n+one more\n",
        ],
        ["plus", "100644 > 100644", "+1 -1", "@@ -1 +1 @@\n--- a\n+++ a\n"],
        ["submodule", "0 > 160000", "+1 -0", `@@ -0,0 +1 @@\n+Subproject commit ${submodule}\n`],
      ],
    );
    const [gone] = files.filter(({ to }) => to === "gone");
    assert.equal(gone?.fromId, repository.gitLine(["rev-parse", `${left}:gone`]));
    assert.equal(gone.toId, "0".repeat(left.length));
    const paths = ["mode", "gone", "nothing"].map((path) => Buffer.from(path));
    assert.deepEqual(
      (await compare(client, { ...request, paths })).map(({ to }) => to),
      ["gone", "mode"],
    );
    assert.deepEqual(await compare(client, { ...request, rightCommitId: left }), []);
  }
});

test("commitDiff cuts patches into pieces", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const content = (bytes: number): string => `${"x".repeat(bytes - "@@ -0,0 +1 @@\n+\n".length)}\n`;
  const right = commitFiles(repository, {
    exact: content(REPLY_BYTES),
    more: content(REPLY_BYTES + 1),
    three: content(REPLY_BYTES * 3),
  });
  const request = {
    repository: repository.address,
    leftCommitId: commitFiles(repository, {}),
    rightCommitId: right,
  };
  const replies = await collect(client.commitDiff(request));
  assert.deepEqual(
    replies.map(({ toPath, rawPatchData, endOfPatch, linesAdded }) => [
      Buffer.from(toPath).toString(),
      rawPatchData.length,
      endOfPatch,
      linesAdded,
    ]),
    [
      ["exact", REPLY_BYTES, true, 1],
      ["more", REPLY_BYTES, false, 1],
      ["", 1, true, 0],
      ["three", REPLY_BYTES, false, 1],
      ["", REPLY_BYTES, false, 0],
      ["", REPLY_BYTES, true, 0],
    ],
  );
});

test("commitDiff ignores changes of whitespace", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const left = commitFiles(repository, { both: "\ta b\nc\n", space: "\ta b\n", word: "a b\n" });
  const right = commitFiles(repository, { both: "  a b\nd\n", space: "  a b\n", word: "ab\n" });
  const request = { repository: repository.address, leftCommitId: left, rightCommitId: right };
  const ask = async (whitespaceChanges: WhitespaceChanges, changes: Partial<Request> = {}) =>
    (await compare(client, { ...request, whitespaceChanges, ...changes })).map(
      ({ to, patch, linesAdded, linesRemoved, oldMode }) => [
        to,
        patch,
        linesAdded,
        linesRemoved,
        oldMode,
      ],
    );
  const both = ["both", "@@ -1,2 +1,2 @@\n   a b\n-c\n+d\n", 1, 1, 0o100644];
  const space = ["space", "", 1, 1, 0o100644];
  assert.deepEqual(await ask(WhitespaceChanges.IGNORE_ALL), [
    both,
    space,
    ["word", "", 1, 1, 0o100644],
  ]);
  assert.deepEqual(await ask(WhitespaceChanges.IGNORE), [
    both,
    ["word", "@@ -1 +1 @@\n-a b\n+ab\n", 1, 1, 0o100644],
    space,
  ]);
  const paths = [Buffer.from("space")];
  assert.deepEqual(await ask(WhitespaceChanges.IGNORE, { paths }), [space]);
  assert.equal((await ask(WhitespaceChanges.UNSPECIFIED)).length, 3);
});

test("commitDiff compares words", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const left = commitFiles(repository, { file: "file with multiple words\n" });
  const right = commitFiles(repository, { file: "file with changed words\n" });
  const request = { repository: repository.address, leftCommitId: left, rightCommitId: right };
  const [file] = await compare(client, { ...request, diffMode: DiffMode.WORDDIFF });
  assert.equal(file?.patch, "@@ -1 +1 @@\n file with \n-multiple\n+changed\n  words\n~\n");
  assert.deepEqual([file.linesAdded, file.linesRemoved], [1, 1]);
});

test("commitDiff keeps to limits", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const left = commitFiles(repository, {
    "a.aa": "a\na\na\na\na\na\na\n",
    "b.bb": "b\nb\nb\n\nthis line is a bit longer and will change\nb\nb\nb\n",
    "c.cc": "will change up front\nc\nc\nc\nc\nc\nwill change in the end\n",
  });
  const right = commitFiles(repository, {
    "a.aa": "a\na\na\nb\na\na\na\n",
    "b.bb": "b\nb\nb\n\nmultiple\nlines\nare\ninserted\ninto\nthe\nmiddle\nb\nb\nb\n",
    "c.cc": "some changes up front\nc\nc\nc\nc\nc\nsome changes in the end\n",
  });
  const request = { repository: repository.address, leftCommitId: left, rightCommitId: right };
  const wide = { enforceLimits: true, maxFiles: 9000, maxLines: 9000, maxBytes: 9000 };
  const max = { ...wide, maxPatchBytes: 9000 };
  const safe = {
    ...max,
    collapseDiffs: true,
    safeMaxFiles: 9000,
    safeMaxLines: 9000,
    safeMaxBytes: 9000,
  };
  const [end, all] = [
    ["a.aa", "b.bb", " overflow"],
    ["a.aa", "b.bb", "c.cc overflow"],
  ];
  const cases: readonly [Partial<Request>, readonly string[]][] = [
    [{}, ["a.aa", "b.bb", "c.cc"]],
    [max, ["a.aa", "b.bb", "c.cc"]],
    [{ ...max, maxFiles: 2 }, end],
    [{ ...max, maxFiles: 2, collectAllPaths: true }, all],
    [{ ...max, maxLines: 30 }, end],
    [{ ...max, maxLines: 30, collectAllPaths: true }, all],
    [{ ...max, maxBytes: 150 }, end],
    [{ ...max, maxBytes: 150, collectAllPaths: true }, all],
    [
      { ...max, maxPatchBytes: 10, maxPatchBytesForFileExtension: { ".bb": 9000 } },
      ["a.aa tooLarge", "b.bb", "c.cc tooLarge"],
    ],
    [{ ...safe, safeMaxFiles: 1 }, ["a.aa", "b.bb collapsed", "c.cc collapsed"]],
    [{ ...safe, safeMaxLines: 20 }, ["a.aa", "b.bb collapsed", "c.cc"]],
    [{ ...safe, safeMaxBytes: 120 }, ["a.aa", "b.bb collapsed", "c.cc"]],
  ];
  for (const [limits, expected] of cases) {
    const files = await compare(client, { ...request, ...limits });
    const told = files.map(({ to, collapsed, tooLarge, overflowMarker, patch }) => {
      assert.equal(patch === "", collapsed || tooLarge || overflowMarker);
      return `${to}${collapsed ? " collapsed" : ""}${tooLarge ? " tooLarge" : ""}${
        overflowMarker ? " overflow" : ""
      }`;
    });
    assert.deepEqual(told, expected, JSON.stringify(limits));
  }
});

test("commitDiff refuses incomplete requests and unknown commits", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const { address: repository } = server.repository();
  const missing = "1".repeat(40);
  const dash = "positional arg \"-x\" cannot start with dash '-': invalid argument";
  const whitespaceChanges = WhitespaceChanges.IGNORE;
  const cases: readonly [Request, kind: string, message: string][] = [
    [{ rightCommitId: missing }, "invalid-argument", "empty LeftCommitId"],
    [{ leftCommitId: missing }, "invalid-argument", "empty RightCommitId"],
    [
      { leftCommitId: missing, rightCommitId: missing },
      "failed-precondition",
      "eachDiff: exit status 128",
    ],
    [
      { leftCommitId: missing, rightCommitId: missing, whitespaceChanges },
      "failed-precondition",
      "eachDiff: exit status 128",
    ],
    [{ leftCommitId: "-x", rightCommitId: missing }, "internal", `eachDiff: cmd: ${dash}`],
    [
      { leftCommitId: "-x", rightCommitId: missing, whitespaceChanges },
      "internal",
      `diff-tree: diff-tree: ${dash}`,
    ],
  ];
  for (const [request, kind, message] of cases) {
    const replies = client.commitDiff({ ...request, repository });
    await assert.rejects(collect(replies), { kind, message });
  }
  await assertRepositoryErrors((address) =>
    client.commitDiff({ ...(address && { repository: address }) }),
  );
});

test("commitDiff ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const gone = new AbortController();
  const request = {
    repository: repository.address,
    leftCommitId: commitFiles(repository, {}),
    rightCommitId: commitFiles(repository, { large: "line\n".repeat(4_000_000) }),
  };
  const replies = client.commitDiff(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
