import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  RangeDiffResponse_Comparator as Comparator,
  DiffService,
  type RangeDiffRequestSchema,
} from "../../proto/diff_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<MessageInitShape<typeof RangeDiffRequestSchema>, { $typeName: string }>;
type Spec = NonNullable<Request["rangeSpec"]>;

/** Two versions of a range: the same, changed, gone and new commits. */
function writeRanges(repository: ServedRepository) {
  const write = (files: Readonly<Record<string, string>>, parent: string | undefined, m: string) =>
    commitFiles(repository, files, parent === undefined ? [] : [parent], m);
  const base = write({ a: "a\n" }, undefined, "base");
  const text = "some lines\nthat tell\nwhat belongs\ntogether\n";
  const same1 = write({ a: "a\n", s: "s\n" }, base, "same \xe9\n\nbody");
  const changed1 = write({ a: "a\n", s: "s\n", b: `${text}1\n` }, same1, "changed");
  const gone = write({ a: "gone\n", s: "s\n", b: `${text}1\n` }, changed1, "gone");
  const other = write({ a: "a\n", o: "o\n" }, base, "new");
  const same2 = write({ a: "a\n", o: "o\n", s: "s\n" }, other, "same \xe9\n\nbody");
  const changed2 = write({ a: "a\n", o: "o\n", s: "s\n", b: `${text}2\n` }, same2, "changed");
  return { base, same1, changed1, gone, other, same2, changed2 };
}

test("rangeDiff tells which commits correspond", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const { base, same1, changed1, gone, other, same2, changed2 } = writeRanges(repository);
    const none = "-".repeat(base.length);
    const specs: Spec[] = [
      { case: "rangePair", value: { range1: `${base}..${gone}`, range2: `${base}..${changed2}` } },
      { case: "revisionRange", value: { rev1: gone, rev2: changed2 } },
      { case: "baseWithRevisions", value: { base, rev1: gone, rev2: changed2 } },
    ];
    for (const rangeSpec of specs) {
      const replies = await collect(
        client.rangeDiff({ repository: repository.address, rangeSpec }),
      );
      assert.deepEqual(
        replies.map(({ fromCommitId, toCommitId, comparison, commitMessageTitle, endOfPatch }) => [
          fromCommitId,
          toCommitId,
          comparison,
          commitMessageTitle,
          endOfPatch,
        ]),
        [
          [none, other, Comparator.GREATER_THAN, "new", true],
          [same1, same2, Comparator.EQUAL_UNSPECIFIED, "same \xe9", true],
          [changed1, changed2, Comparator.NOT_EQUAL, "changed", true],
          [gone, none, Comparator.LESS_THAN, "gone", true],
        ],
      );
      assert.deepEqual(
        replies.map(({ patchData }) => Buffer.from(patchData).toString()),
        ["", "", "@@ b (new)\n +that tell\n +what belongs\n +together\n-+1\n++2\n", ""],
      );
    }
  }
});

test("rangeDiff cuts what differs into pieces", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const base = commitFiles(repository, {});
  const lines = "a line that stays as it is\n".repeat(600);
  const one = commitFiles(repository, { a: `${lines}${"x".repeat(6000)}\n` }, [base]);
  const two = commitFiles(repository, { a: `${lines}${"y".repeat(6000)}\n` }, [base]);
  const rangeSpec = { case: "revisionRange", value: { rev1: one, rev2: two } } as const;
  const request = { repository: repository.address, rangeSpec };
  const replies = await collect(client.rangeDiff(request));
  assert.deepEqual(
    replies.map(({ fromCommitId, endOfPatch }) => [fromCommitId, endOfPatch]),
    [
      [one, false],
      ["", false],
      ["", true],
    ],
  );
  assert.deepEqual(
    replies.slice(0, 2).map(({ patchData }) => patchData.length),
    [5120, 5120],
  );
  const gone = new AbortController();
  const stopped = client.rangeDiff(request, { signal: gone.signal });
  gone.abort();
  await assert.rejects(collect(stopped), { kind: "cancelled" });
});

test("rangeDiff has no reply for a title that isn't UTF-8", async (t) => {
  const server = await startTestServer(t);
  const { address, git, gitLine } = server.repository();
  const base = gitLine(["commit-tree", gitLine(["mktree"]), "-m", "base"]);
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content\n" });
  const tree = gitLine(["mktree"], { input: `100644 blob ${blob}\tfile\n` });
  const who = "A <a@example.com> 1700000000 +0000";
  const text = `tree ${tree}\nparent ${base}\nauthor ${who}\ncommitter ${who}\n\nlatin \xe9\n`;
  const input = Buffer.from(text, "latin1");
  const odd = gitLine(["hash-object", "-t", "commit", "-w", "--stdin"], { input });
  git(["update-ref", "refs/heads/main", base]);
  const rangeSpec = { case: "baseWithRevisions" as const, value: { base, rev1: base, rev2: odd } };
  const asked = server.client(DiffService).rangeDiff({ repository: address, rangeSpec });
  await assert.rejects(collect(asked), {
    kind: "internal",
    message: "grpc: error while marshaling: string field contains invalid UTF-8",
  });
});

test("rangeDiff refuses incomplete requests and unknown commits", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const { address: repository } = server.repository();
  const failed = "RangeDiff: exit status 255";
  const cases: readonly [Spec, kind: string, message: string][] = [
    [{ case: "rangePair", value: { range2: "x" } }, "invalid-argument", "empty Range1"],
    [{ case: "rangePair", value: { range1: "x" } }, "invalid-argument", "empty Range2"],
    [{ case: "revisionRange", value: { rev2: "x" } }, "invalid-argument", "empty Rev1"],
    [{ case: "revisionRange", value: { rev1: "x" } }, "invalid-argument", "empty Rev2"],
    [{ case: "baseWithRevisions", value: { rev2: "x" } }, "invalid-argument", "empty Rev1"],
    [{ case: "baseWithRevisions", value: { rev1: "x" } }, "invalid-argument", "empty Rev2"],
    [
      { case: "baseWithRevisions", value: { rev1: "x", rev2: "x" } },
      "invalid-argument",
      "empty Base",
    ],
    [{ case: "revisionRange", value: { rev1: "x", rev2: "y" } }, "failed-precondition", failed],
    [
      { case: "rangePair", value: { range1: "-x", range2: "y" } },
      "internal",
      "cmd: positional arg \"-x\" cannot start with dash '-': invalid argument",
    ],
  ];
  for (const [rangeSpec, kind, message] of cases) {
    await assert.rejects(collect(client.rangeDiff({ repository, rangeSpec })), { kind, message });
  }
  await assert.rejects(collect(client.rangeDiff({ repository })), {
    kind: "failed-precondition",
    message: "RangeDiff: exit status 129",
  });
  await assertRepositoryErrors((address) =>
    client.rangeDiff({ ...(address && { repository: address }) }),
  );
});
