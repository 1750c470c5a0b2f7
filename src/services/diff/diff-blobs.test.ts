import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  DiffBlobsResponse_Status as Completeness,
  type DiffBlobsRequestSchema,
  DiffBlobsRequest_DiffMode as DiffMode,
  DiffService,
  ChangedPaths_Status as Status,
  DiffBlobsRequest_WhitespaceChanges as WhitespaceChanges,
} from "../../proto/diff_pb.ts";
import type { Client } from "../../rpc/client/client.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

type Request = Exclude<MessageInitShape<typeof DiffBlobsRequestSchema>, { $typeName: string }>;

function pair(left: string, right: string) {
  return { leftBlob: Buffer.from(left, "latin1"), rightBlob: Buffer.from(right, "latin1") };
}

function raw(oldBlobId: string, newBlobId: string, path = "file", changes = {}) {
  const modes = { oldMode: 0o100644, newMode: 0o100644 };
  const status: Status = Status.MODIFIED;
  return { oldBlobId, newBlobId, path: Buffer.from(path, "latin1"), status, ...modes, ...changes };
}

function writer({ gitLine }: ServedRepository): (input: string | Uint8Array) => string {
  return (input) => gitLine(["hash-object", "-w", "--stdin"], { input });
}

/** Each reply as ids, marks, numbers of lines, and the patch. */
async function compare(client: Client<typeof DiffService>, request: Request) {
  return (await collect(client.diffBlobs(request))).map((reply) => {
    assert.equal(reply.status, Completeness.END_OF_PATCH);
    const patch = Buffer.from(reply.patch).toString("latin1");
    assert.equal(reply.patchSize === patch.length, !reply.overPatchBytesLimit);
    return [
      reply.leftBlobId,
      reply.rightBlobId,
      `${reply.binary ? "binary " : ""}+${reply.linesAdded} -${reply.linesRemoved}`,
      reply.overPatchBytesLimit ? `over the limit: ${reply.patchSize}` : patch,
    ];
  });
}

const FOO_BAR = "@@ -1 +1 @@\n-foo\n+bar\n";

test("diffBlobs compares pairs of blobs", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const write = writer(repository);
    const [foo, bar, words] = [write("foo\n"), write("bar\n"), write("foo bar\n")];
    const [one, two] = [write(Buffer.of(0, 1)), write(Buffer.of(0, 2))];
    const zero = "0".repeat(foo.length);
    const request = {
      repository: repository.address,
      blobPairs: [pair(foo, bar), pair(one, two), pair(bar, foo), pair(foo, words)],
    };
    assert.deepEqual(await compare(client, request), [
      [foo, bar, "+1 -1", FOO_BAR],
      [one, two, "binary +0 -0", `Binary files a/${one} and b/${two} differ\n`],
      [bar, foo, "+1 -1", "@@ -1 +1 @@\n-bar\n+foo\n"],
      [foo, words, "+1 -1", "@@ -1 +1 @@\n-foo\n+foo bar\n"],
    ]);
    const [wordDiff] = await compare(client, {
      ...request,
      diffMode: DiffMode.WORD,
      blobPairs: [pair(foo, words)],
    });
    assert.deepEqual(wordDiff, [foo, words, "+1 -0", "@@ -1 +1 @@\n foo \n+bar\n~\n"]);

    // No blob at all is compared like an empty one, which the repository doesn't have.
    const empty = repository.gitLine(["hash-object", "--stdin"], { input: "" });
    const blobPairs = [pair(zero, bar), pair(foo, zero), pair(zero, empty), pair(empty, foo)];
    assert.deepEqual(await compare(client, { ...request, blobPairs }), [
      [zero, bar, "+1 -0", "@@ -0,0 +1 @@\n+bar\n"],
      [foo, zero, "+0 -1", "@@ -1 +0,0 @@\n-foo\n"],
      [zero, empty, "+0 -0", ""],
      [empty, foo, "+1 -0", "@@ -0,0 +1 @@\n+foo\n"],
    ]);
    assert.throws(() => repository.git(["cat-file", "-e", empty]));
    const oneNone = [pair(zero, one)];
    assert.deepEqual(await compare(client, { ...request, blobPairs: oneNone }), [
      [zero, one, "binary +0 -0", `Binary files a/${empty} and b/${one} differ\n`],
    ]);
  }
});

test("diffBlobs takes paths in revisions, and their attributes", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const write = writer(repository);
  const [foo, bar] = [write("foo\n"), write("bar\n")];
  const files = {
    foo: "foo\n",
    "b \xff": "bar\n",
    image: "foo\n",
    ".gitattributes": "image binary",
  };
  repository.git(["update-ref", "refs/heads/main", commitFiles(repository, files)]);
  const blobPairs = [
    pair("HEAD:foo", bar),
    pair("main:foo", "main:b \xff"),
    pair("HEAD:image", bar),
    pair("HEAD:foo", "0".repeat(40)),
  ];
  assert.deepEqual(await compare(client, { repository: repository.address, blobPairs }), [
    [foo, bar, "+1 -1", FOO_BAR],
    [foo, bar, "+1 -1", FOO_BAR],
    [foo, bar, "binary +0 -0", `Binary files a/image and b/${bar} differ\n`],
    [foo, "0".repeat(40), "+0 -1", "@@ -1 +0,0 @@\n-foo\n"],
  ]);
});

test("diffBlobs compares what is given in the raw format", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const write = writer(repository);
    const [foo, bar, link] = [write("foo\n"), write("bar\n"), write("target")];
    const zero = "0".repeat(foo.length);
    const oldPath = Buffer.from("old");
    const rawInfo = [
      raw(foo, bar, '\xff "x"'),
      raw(foo, bar, "new", { oldPath, status: Status.RENAMED }),
      raw(foo, bar, "copy", { oldPath, status: Status.COPIED }),
      raw(zero, bar, "added", { status: Status.ADDED, oldMode: 0 }),
      raw(foo, zero, "gone", { status: Status.DELETED, newMode: 0 }),
      raw(foo, foo, "mode", { newMode: 0o100755 }),
      raw(foo, link, "type", { status: Status.TYPE_CHANGE, newMode: 0o120000 }),
      raw(foo, bar),
    ];
    assert.deepEqual(await compare(client, { repository: repository.address, rawInfo }), [
      [foo, bar, "+1 -1", FOO_BAR],
      [foo, bar, "+1 -1", FOO_BAR],
      [foo, bar, "+1 -1", FOO_BAR],
      [zero, bar, "+1 -0", "@@ -0,0 +1 @@\n+bar\n"],
      [foo, zero, "+0 -1", "@@ -1 +0,0 @@\n-foo\n"],
      [foo, foo, "+0 -0", ""],
      [foo, zero, "+0 -1", "@@ -1 +0,0 @@\n-foo\n"],
      [zero, link, "+1 -0", "@@ -0,0 +1 @@\n+target\n\\ No newline at end of file\n"],
      [foo, bar, "+1 -1", FOO_BAR],
    ]);
  }
});

test("diffBlobs ignores changes of whitespace", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const write = writer(repository);
  const [foo, after, before] = [write("foo\n"), write("foo \n"), write(" foo \n")];
  const ask = (whitespaceChanges: WhitespaceChanges) =>
    compare(client, {
      repository: repository.address,
      whitespaceChanges,
      rawInfo: [raw(foo, after, "1"), raw(foo, before, "2")],
    });
  assert.deepEqual(await ask(WhitespaceChanges.IGNORE), [
    [foo, after, "+0 -0", ""],
    [foo, before, "+1 -1", "@@ -1 +1 @@\n-foo\n+ foo \n"],
  ]);
  assert.deepEqual(await ask(WhitespaceChanges.IGNORE_ALL), [
    [foo, after, "+0 -0", ""],
    [foo, before, "+0 -0", ""],
  ]);
});

test("diffBlobs keeps to the limit of a patch, and cuts patches into pieces", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const { address } = repository;
  const write = writer(repository);
  const [foo, bar] = [write("foo\n"), write("bar\n")];
  const limited = (request: Request, patchBytesLimit: number) =>
    compare(client, { ...request, repository: address, patchBytesLimit });
  const over = [foo, bar, "+1 -1", "over the limit: 22"];
  const within = [foo, bar, "+1 -1", FOO_BAR];
  // The limit itself is too much for a pair of blobs, but not for raw info.
  assert.deepEqual(await limited({ blobPairs: [pair(foo, bar)] }, 22), [over]);
  assert.deepEqual(await limited({ blobPairs: [pair(foo, bar)] }, 23), [within]);
  assert.deepEqual(await limited({ rawInfo: [raw(foo, bar)] }, 21), [over]);
  assert.deepEqual(await limited({ rawInfo: [raw(foo, bar)] }, 22), [within]);

  const [left, right] = [write(`${"f".repeat(5106)}\n`), write(`${"b".repeat(5106)}\n`)];
  for (const request of [{ blobPairs: [pair(left, right)] }, { rawInfo: [raw(left, right)] }]) {
    const replies = await collect(client.diffBlobs({ ...request, repository: address }));
    assert.deepEqual(
      replies.map(({ leftBlobId, patch, patchSize, status }) => [
        leftBlobId,
        patch.length,
        patchSize,
        status,
      ]),
      [
        [left, 5120, 10228, Completeness.INCOMPLETE],
        ["", 5108, 0, Completeness.END_OF_PATCH],
      ],
    );
  }
});

test("diffBlobs refuses what it can't compare", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const write = writer(repository);
  const [foo, bar] = [write("foo\n"), write("bar\n")];
  const commit = commitFiles(repository, { foo: "foo\n" });
  const missing = "1".repeat(40);
  const whitespaceChanges = WhitespaceChanges.IGNORE;
  const same = "left and right blob revisions resolve to same OID";
  const renamed = { status: Status.RENAMED };
  const refused: readonly [Request, message: string][] = [
    [{}, "request contains no file pairs to diff"],
    [
      { blobPairs: [pair(foo, bar)], rawInfo: [raw(foo, bar)] },
      "blob pairs and raw info both used in request",
    ],
    [{ rawInfo: [raw("", bar)] }, "raw info entry missing blob IDs"],
    [{ rawInfo: [raw(foo, "")] }, "raw info entry missing blob IDs"],
    [{ rawInfo: [raw(foo, bar, "")] }, "raw info entry missing path"],
    [{ rawInfo: [raw(foo, bar, "x", renamed)] }, "rename/copy raw info entry missing old path"],
    [
      { blobPairs: [pair(foo, bar)], whitespaceChanges },
      "whitespace changes cannot be ignored when blob pairs are provided",
    ],
    [
      { blobPairs: [pair(foo, "")] },
      'getting right blob info: validating blob ID: invalid object ID: "", expected length 40, got 0',
    ],
    [
      { blobPairs: [pair(`${"1".repeat(39)}X`, foo)] },
      `getting left blob info: validating blob ID: invalid object ID: "${"1".repeat(39)}X", ` +
        "invalid character 'X'",
    ],
    [{ blobPairs: [pair(foo, commit)] }, "getting right blob info: revision is not blob"],
    [
      { blobPairs: [pair("HEAD:foo", foo)] },
      "getting left blob info: getting revision info: object not found",
    ],
    [
      { blobPairs: [pair(foo, missing)] },
      "getting right blob info: getting revision info: object not found",
    ],
    [
      { blobPairs: [pair("-x:foo", foo)] },
      "getting left blob info: validating path-scoped revision: revision can't start with '-'",
    ],
    [{ blobPairs: [pair(foo, bar), pair(foo, foo)] }, same],
    [{ blobPairs: [pair(foo, `${commit}:foo`)] }, same],
  ];
  for (const [request, message] of refused) {
    const replies = client.diffBlobs({ ...request, repository: repository.address });
    await assert.rejects(collect(replies), { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    client.diffBlobs({ ...(address && { repository: address }) }),
  );
});

test("diffBlobs tells the pairs before git's failure", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const foo = writer(repository)("foo\n");
  const missing = "1".repeat(40);
  const rawInfo = [raw(foo, missing), raw(missing, foo)];
  const replies = client.diffBlobs({ repository: repository.address, rawInfo });
  const received: string[] = [];
  await assert.rejects(
    async () => {
      for await (const { leftBlobId } of replies) received.push(leftBlobId);
    },
    { kind: "internal", message: "waiting for git-diff-pairs: exit status 128" },
  );
  assert.deepEqual(received, [foo, missing]);
});

test("diffBlobs ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(DiffService);
  const repository = server.repository();
  const write = writer(repository);
  const [left, right] = [write("foo\n"), write("line\n".repeat(4_000_000))];
  for (const request of [{ blobPairs: [pair(left, right)] }, { rawInfo: [raw(left, right)] }]) {
    const gone = new AbortController();
    const replies = client.diffBlobs(
      { ...request, repository: repository.address },
      { signal: gone.signal },
    );
    await replies.next();
    gone.abort();
    await assert.rejects(collect(replies), { kind: "cancelled" });
  }
});
