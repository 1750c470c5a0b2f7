import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobService, type ListBlobsResponse } from "../../proto/blob_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

interface Fixture {
  readonly a: string;
  readonly b: string;
  readonly tree: string;
  readonly lost: string;
}

const LARGE = Buffer.alloc(3 * 1024 * 1024, "0123456789");

/** Two commits: the first has the file `a` and an empty one, the second adds `b` in a folder. */
function fixture({ git, gitLine }: ServedRepository): Fixture {
  const write = (input: string | Buffer): string =>
    gitLine(["hash-object", "-w", "--stdin"], { input });
  const [a, b, empty, lost] = [write("aaaa"), write("bbb"), write(""), write(LARGE)];
  const mktree = (lines: readonly string[]): string =>
    gitLine(["mktree"], { input: `${lines.join("\n")}\n` });
  const files = [`100644 blob ${a}\ta`, `100644 blob ${empty}\tempty`];
  const first = gitLine(["commit-tree", mktree(files), "-m", "first"]);
  const folder = mktree([`100644 blob ${b}\tä b`]);
  const tree = mktree([...files, `040000 tree ${folder}\tfolder`]);
  const second = gitLine(["commit-tree", tree, "-p", first, "-m", "second"]);
  git(["update-ref", "refs/heads/main", second]);
  return { a, b, tree, lost };
}

/** `oid size data path` of each part. */
function shown(replies: readonly ListBlobsResponse[]): string[] {
  return replies.flatMap(({ blobs }) =>
    blobs.map(({ oid, size, data, path }) =>
      [oid, size, Buffer.from(data).toString(), Buffer.from(path).toString()].join("|"),
    ),
  );
}

test("listBlobs lists what revisions reach", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { a, b, tree } = fixture(served);
    const empty = served.gitLine(["rev-parse", "main:empty"]);
    const list = async (revisions: string[], more = {}): Promise<string[]> =>
      shown(await collect(client.listBlobs({ repository: served.address, revisions, ...more })));
    const all = [`${a}|4||a`, `${empty}|0||empty`, `${b}|3||folder/ä b`];
    const withPaths = true;
    const bytes = (limit: number): object => ({ withPaths, bytesLimit: BigInt(limit) });
    assert.deepEqual(await list(["main"], { withPaths }), all);
    assert.deepEqual(
      await list(["main"]),
      all.map((line) => line.replace(/[^|]*$/, "")),
    );
    assert.deepEqual(await list([tree], { withPaths }), all);
    assert.deepEqual(await list([b, a], { withPaths }), [`${b}|3||`, `${a}|4||`]);
    assert.deepEqual(await list(["main:a"]), [`${a}|4||`]);
    assert.deepEqual(await list(["main:folder/ä b"]), [`${b}|3||`]);
    assert.deepEqual(await list(["main", "^main~"], { withPaths }), all.slice(2));
    assert.deepEqual(await list(["main", "--not", "--all"]), []);
    assert.deepEqual(await list(["main"], { withPaths, limit: 2 }), all.slice(0, 2));
    assert.deepEqual(await list(["main"], bytes(2)), [
      `${a}|4|aa|a`,
      `${empty}|0||empty`,
      `${b}|3|bb|folder/ä b`,
    ]);
    assert.deepEqual(await list(["main", "^main~"], bytes(9000)), [`${b}|3|bbb|folder/ä b`]);
    assert.deepEqual(await list(["--all"], { ...bytes(-1), limit: 1 }), [`${a}|4|aaaa|a`]);
  }
});

test("listBlobs fills replies, and cuts what is too large for one", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const served = server.repository();
  const { lost } = fixture(served);
  const tree = served.gitLine(["mktree"], { input: `100644 blob ${lost}\tlarge\n` });
  for (const revision of [lost, tree]) {
    const request = { repository: served.address, revisions: [revision], bytesLimit: -1n };
    const replies = await collect(client.listBlobs({ ...request, withPaths: true }));
    const parts = replies.flatMap(({ blobs }) => blobs);
    assert.ok(Buffer.concat(parts.map(({ data }) => data)).equals(LARGE));
    assert.deepEqual(
      parts.map(({ oid, size }) => [oid, size]),
      parts.map((_, index) => (index === 0 ? [lost, BigInt(LARGE.length)] : ["", 0n])),
    );
    const path = revision === tree ? "large" : "";
    assert.ok(parts.every((part) => Buffer.from(part.path).toString() === path));
    // With their headers, eight pieces of 128 KiB are more than a megabyte.
    assert.deepEqual(
      replies.map(({ blobs }) => blobs.length),
      [7, 7, 7, 3],
    );
  }
});

test("listBlobs says what git says about unknown revisions", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address: repository } = server.repository();
  await assert.rejects(collect(client.listBlobs({ repository, revisions: ["missing"] })), {
    kind: "internal",
    message:
      "processing blobs: rev-list pipeline command: exit status 128, " +
      "stderr: \"fatal: bad revision 'missing'\\n\"",
  });
  assert.deepEqual(await collect(client.listBlobs({ repository, revisions: ["--all"] })), []);
});

test("listBlobs refuses requests without good revisions", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address: repository } = server.repository();
  for (const [revisions, message] of [
    [[], "missing revisions"],
    [["main", "--foobar"], "invalid revision: revision can't start with '-'"],
    [[""], "invalid revision: empty revision"],
    [["a b"], "invalid revision: revision can't contain whitespace"],
    [["a\0"], "invalid revision: revision can't contain NUL"],
  ] as const) {
    const request = { repository, revisions: [...revisions] };
    await assert.rejects(collect(client.listBlobs(request)), { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    client.listBlobs({ ...(address && { repository: address }) }),
  );
});

test("listBlobs ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const served = server.repository();
  const { lost } = fixture(served);
  const request = {
    repository: served.address,
    revisions: Array.from({ length: 100 }, () => lost),
    bytesLimit: -1n,
  };
  const gone = new AbortController();
  const replies = client.listBlobs(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
