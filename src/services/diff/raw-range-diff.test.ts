import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { DiffService, type RawRangeDiffRequestSchema } from "../../proto/diff_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<MessageInitShape<typeof RawRangeDiffRequestSchema>, { $typeName: string }>;
type Spec = NonNullable<Request["rangeSpec"]>;

test("rawRangeDiff streams what git prints", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const base = commitFiles(repository, {});
    const one = commitFiles(repository, { a: "same\n".repeat(20), b: "1\n" }, [base], "one");
    const two = commitFiles(repository, { a: "same\n".repeat(20), b: "2\n" }, [base], "two");
    const specs: Spec[] = [
      { case: "rangePair", value: { range1: `${base}..${one}`, range2: `${base}..${two}` } },
      { case: "revisionRange", value: { rev1: one, rev2: two } },
      { case: "baseWithRevisions", value: { base, rev1: one, rev2: two } },
    ];
    const abbrev = `--abbrev=${base.length}`;
    const expected = repository.git(["range-diff", abbrev, `${one}...${two}`]).toString();
    assert.ok(expected.startsWith(`1:  ${one} ! 1:  ${two} one\n    @@ Metadata\n`));
    for (const rangeSpec of specs) {
      const request = { repository: repository.address, rangeSpec };
      const replies = await collect(client.rawRangeDiff(request));
      assert.equal(Buffer.concat(replies.map(({ data }) => data)).toString(), expected);
    }
  }
});

test("rawRangeDiff refuses incomplete requests and unknown commits", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const { address: repository } = server.repository();
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
    [{ case: "revisionRange", value: { rev1: "x", rev2: "y" } }, "internal", "exit status 255"],
    [
      { case: "rangePair", value: { range1: "-x", range2: "y" } },
      "internal",
      "cmd: positional arg \"-x\" cannot start with dash '-': invalid argument",
    ],
  ];
  for (const [rangeSpec, kind, message] of cases) {
    const replies = client.rawRangeDiff({ repository, rangeSpec });
    await assert.rejects(collect(replies), { kind, message });
  }
  await assertRepositoryErrors((address) =>
    client.rawRangeDiff({ ...(address && { repository: address }) }),
  );
});

test("rawRangeDiff ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const base = commitFiles(repository, {});
  const rev1 = commitFiles(repository, { a: "1\n" }, [base]);
  const rev2 = commitFiles(repository, { a: "2\n" }, [base]);
  const rangeSpec = { case: "revisionRange", value: { rev1, rev2 } } as const;
  const request = { repository: repository.address, rangeSpec };
  const gone = new AbortController();
  const replies = client.rawRangeDiff(request, { signal: gone.signal });
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
