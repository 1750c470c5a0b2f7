import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { BlobService, type GetBlobsResponse, GetBlobsResponseSchema } from "../../proto/blob_pb.ts";
import { ObjectType } from "../../proto/shared_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

interface Fixture {
  readonly small: string;
  readonly large: string;
  readonly folder: string;
  readonly module: string;
  readonly commit: string;
}

const LARGE = Buffer.alloc(300_000, "0123456789");

/** A commit with files, a folder, an empty file and a submodule. */
function fixture({ git, gitLine, format }: ServedRepository): Fixture {
  const write = (input: string | Buffer): string =>
    gitLine(["hash-object", "-w", "--stdin"], { input });
  const [small, large, empty] = [write("content"), write(LARGE), write("")];
  const mktree = (lines: readonly string[]): string =>
    gitLine(["mktree", "--missing"], { input: `${lines.join("\n")}\n` });
  const folder = mktree([`100755 blob ${small}\tscript`]);
  const module = "1".repeat(format === "sha1" ? 40 : 64);
  const root = mktree([
    `100644 blob ${small}\tfile`,
    `100644 blob ${large}\tlarge`,
    `100644 blob ${empty}\tempty`,
    `100644 blob ${module}\tlost`,
    `040000 tree ${folder}\tfolder`,
    `160000 commit ${module}\tmodule`,
  ]);
  const commit = gitLine(["commit-tree", root, "-m", "message"]);
  git(["update-ref", "refs/heads/main", commit]);
  return { small, large, folder, module, commit };
}

type Reply = MessageInitShape<typeof GetBlobsResponseSchema>;

function assertReplies(received: readonly GetBlobsResponse[], expected: readonly Reply[]): void {
  const plain = received.map((reply) => ({
    ...reply,
    path: Buffer.from(reply.path),
    data: Buffer.from(reply.data),
  }));
  assert.deepEqual(
    plain,
    expected.map((reply) => ({
      ...create(GetBlobsResponseSchema, reply),
      path: Buffer.from(reply.path ?? []),
      data: Buffer.from(reply.data ?? []),
    })),
  );
}

const bytes = (text: string): Buffer => Buffer.from(text);

test("getBlobs finds entries of every kind in the order of the request", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { small, folder, module, commit } = fixture(served);
    const size = BigInt(served.gitLine(["cat-file", "-s", folder]));
    const paths = ["folder/", "file", "missing", "", "/", "//", "module", "folder/script", "a//b"];
    const revisionPaths = [
      ...paths.map((path) => ({ revision: commit, path: bytes(path) })),
      { revision: "main", path: bytes("file") },
      { revision: "missing", path: bytes("file") },
      { revision: small, path: bytes("file") },
    ];
    const request = { repository: served.address, revisionPaths, limit: -1n };
    const file = { oid: small, mode: 0o100644, size: 7n, type: ObjectType.BLOB };
    const data = bytes("content");
    const missing = (path: string, revision = commit): Reply => ({ revision, path: bytes(path) });
    assertReplies(await collect(client.getBlobs(request)), [
      { ...missing("folder"), oid: folder, mode: 0o040000, size, type: ObjectType.TREE },
      { ...missing("file"), ...file, data },
      missing("missing"),
      missing(""),
      missing("/"),
      missing(""),
      {
        ...missing("module"),
        oid: module,
        mode: 0o160000,
        isSubmodule: true,
        type: ObjectType.COMMIT,
      },
      { ...missing("folder/script"), ...file, mode: 0o100755, data },
      missing("a//b"),
      { ...missing("file", "main"), ...file, data },
      missing("file", "missing"),
      missing("file", small),
    ]);
  }
});

test("getBlobs sends as much of each blob as the limit says", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const served = server.repository();
  const { small, large, commit: revision } = fixture(served);
  const file = { revision, path: bytes("file"), oid: small, mode: 0o100644, size: 7n };
  const big = { ...file, path: bytes("large"), oid: large, size: 300_000n };
  const type = ObjectType.BLOB;
  const revisionPaths = ["file", "large", "empty"].map((path) => ({ revision, path: bytes(path) }));
  for (const limit of [0, 5, 131_072, 131_073, 300_000, 300_001, -1]) {
    const request = { repository: served.address, revisionPaths, limit: BigInt(limit) };
    const replies = await collect(client.getBlobs(request));
    const content = LARGE.subarray(0, limit < 0 ? LARGE.length : limit);
    const pieces = [0, 1, 2].map((i) => content.subarray(i * 131_072, (i + 1) * 131_072));
    const [first = bytes(""), ...rest] = pieces;
    const data = bytes("content").subarray(0, limit < 0 ? 7 : limit);
    assertReplies(replies, [
      { ...file, type, data },
      { ...big, type, data: first },
      ...rest.filter(({ length }) => length > 0).map((piece) => ({ data: piece })),
      {
        ...{ ...file, type, size: 0n, path: bytes("empty") },
        oid: served.gitLine(["rev-parse", "main:empty"]),
      },
    ]);
  }
});

test("getBlobs says when an object is missing or of another type", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const served = server.repository();
  const { address: repository, gitLine } = served;
  const { commit, folder } = fixture(served);
  const input = Buffer.concat([bytes("100644 wrong\0"), Buffer.from(folder, "hex")]);
  const tree = gitLine(["hash-object", "-t", "tree", "-w", "--stdin"], { input });
  const ask = (path: string, revision = commit): Promise<unknown> => {
    const revisionPaths = [{ revision, path: bytes(path) }];
    return collect(client.getBlobs({ repository, revisionPaths, limit: -1n }));
  };
  await assert.rejects(ask("lost"), {
    kind: "internal",
    message: "read object info: object not found",
  });
  await assert.rejects(ask("wrong", tree), {
    kind: "internal",
    message: 'blob got unexpected type "tree"',
  });
  await assert.rejects(ask("a\0/b"), {
    kind: "invalid-argument",
    message: "find by revision and path: revision must not contain NUL bytes",
  });
});

test("getBlobs finds nothing in an empty repository", async (t) => {
  const server = await startTestServer(t);
  const revisionPaths = [{ revision: "HEAD", path: bytes("file") }];
  const request = { repository: server.repository().address, revisionPaths, limit: -1n };
  const replies = await collect(server.client(BlobService).getBlobs(request));
  assertReplies(replies, [{ revision: "HEAD", path: bytes("file") }]);
});

test("getBlobs refuses requests without revisions", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address: repository } = server.repository();
  const refused = (revisions: readonly string[], message: string): Promise<void> => {
    const revisionPaths = revisions.map((revision) => ({ revision, path: bytes("file") }));
    return assert.rejects(collect(client.getBlobs({ repository, revisionPaths })), {
      kind: "invalid-argument",
      message,
    });
  };
  await refused([], "empty RevisionPaths");
  await refused(["main", ""], "empty revision");
  await refused(["--output=/meow"], "revision can't start with '-'");
  await refused(["a b"], "revision can't contain whitespace");
  await refused(["a:b"], "revision can't contain ':'");
  await assertRepositoryErrors((address) =>
    client.getBlobs({ ...(address && { repository: address }) }),
  );
});

test("getBlobs ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const served = server.repository();
  const { commit: revision } = fixture(served);
  const revisionPaths = Array.from({ length: 1000 }, () => ({ revision, path: bytes("large") }));
  const gone = new AbortController();
  const replies = client.getBlobs(
    { repository: served.address, revisionPaths, limit: -1n },
    { signal: gone.signal },
  );
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
