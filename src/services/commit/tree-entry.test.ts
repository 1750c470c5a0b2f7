import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CommitService,
  TreeEntryResponse_ObjectType as ObjectType,
} from "../../proto/commit_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

interface Fixture {
  readonly blob: string;
  readonly large: string;
  readonly link: string;
  readonly folder: string;
  readonly root: string;
  readonly commit: string;
}

/** A commit with files, a folder, a symbolic link and a submodule. */
function fixture({ git, gitLine, format }: ServedRepository): Fixture {
  const write = (input: string): string => gitLine(["hash-object", "-w", "--stdin"], { input });
  const [blob, link, large] = [write("content"), write("target"), write("x".repeat(300_000))];
  const mktree = (lines: readonly string[]): string =>
    gitLine(["mktree", "--missing"], { input: `${lines.join("\n")}\n` });
  const folder = mktree([`100755 blob ${blob}\tscript`, `100644 blob ${large}\tlarge`]);
  const module = "1".repeat(format === "sha1" ? 40 : 64);
  const root = mktree([
    `100644 blob ${blob}\tfile`,
    `100644 blob ${blob}\t..file`,
    `120000 blob ${link}\tlink`,
    `040000 tree ${folder}\tfolder`,
    `040000 tree ${folder}\t..folder`,
    `160000 commit ${module}\tmodule`,
  ]);
  const commit = gitLine(["commit-tree", root, "-m", "message"]);
  git(["update-ref", "refs/heads/main", commit]);
  return { blob, large, link, folder, root, commit };
}

const FILE = 0o100644;

test("treeEntry finds entries of every kind", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const { blob, link, folder, root, commit } = fixture(repository);
    const size = repository.git(["cat-file", "-s", folder]).toString().trim();
    const module = "1".repeat(format === "sha1" ? 40 : 64);
    const cases = [
      ["file", ObjectType.BLOB, FILE, blob, "7", "content"],
      ["..file", ObjectType.BLOB, FILE, blob, "7", "content"],
      ["file/", ObjectType.BLOB, FILE, blob, "7", "content"],
      ["link", ObjectType.BLOB, 0o120000, link, "6", "target"],
      ["folder/script", ObjectType.BLOB, 0o100755, blob, "7", "content"],
      ["..folder/script", ObjectType.BLOB, 0o100755, blob, "7", "content"],
      ["folder", ObjectType.TREE, 0o040000, folder, size, ""],
      ["folder//", ObjectType.TREE, 0o040000, folder, size, ""],
      ["module", ObjectType.COMMIT, 0o160000, module, "0", ""],
    ] as const;
    for (const [path, ...expected] of cases) {
      for (const revision of ["main", commit, "HEAD", root, "main^{tree}"]) {
        const request = { repository: repository.address, revision: Buffer.from(revision) };
        const replies = await collect(client.treeEntry({ ...request, path: Buffer.from(path) }));
        const actual = replies.map(({ type, mode, oid, size, data }) => {
          return [type, mode, oid, String(size), Buffer.from(data).toString()];
        });
        assert.deepEqual(actual, [expected], path);
      }
    }
  }
});

test("treeEntry cuts content to the limit and refuses what is too large", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  const { large } = fixture(repository);
  const request = {
    repository: repository.address,
    revision: Buffer.from("main"),
    path: Buffer.from("folder/large"),
  };
  for (const limit of [0, 1, 128 * 1024, 200_000, 300_000, 400_000]) {
    const replies = await collect(client.treeEntry({ ...request, limit: BigInt(limit) }));
    const bytes = limit === 0 ? 300_000 : Math.min(limit, 300_000);
    assert.equal(Buffer.concat(replies.map(({ data }) => data)).toString(), "x".repeat(bytes));
    assert.deepEqual(
      replies.map(({ oid, size, mode }) => [oid, size, mode]),
      replies.map((_, index) => (index === 0 ? [large, 300_000n, FILE] : ["", 0n, 0])),
    );
  }
  await collect(client.treeEntry({ ...request, maxSize: 300_000n }));
  await assert.rejects(collect(client.treeEntry({ ...request, maxSize: 299_999n })), {
    kind: "failed-precondition",
    message: "object size (300000) is bigger than the maximum allowed size (299999)",
  });
});

test("treeEntry doesn't find what isn't there", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  fixture(repository);
  const empty = server.repository();
  const cases = [
    [repository, "main", "missing"],
    [repository, "main", "file/below"],
    [repository, "main", "module/below"],
    [repository, "main", "missing/below"],
    [repository, "main", "/file"],
    [repository, "main", "/"],
    [repository, "main", "//"],
    [repository, "main", "."],
    [repository, "main", ".."],
    [repository, "main", "./file"],
    [repository, "main", "../file"],
    [repository, "main", "../../file"],
    [repository, "main", "folder/../file"],
    [repository, "main", "folder//script"],
    [repository, "main", "fi\0le"],
    [repository, "missing", "file"],
    [repository, "0".repeat(40), "file"],
    [repository, "main:folder".replace(":", "~1"), "script"],
    [empty, "HEAD", "file"],
  ] as const;
  for (const [{ address }, revision, path] of cases) {
    const request = { repository: address, revision: Buffer.from(revision) };
    const replies = client.treeEntry({ ...request, path: Buffer.from(path) });
    await assert.rejects(
      collect(replies),
      { kind: "not-found", message: "tree entry not found" },
      path,
    );
  }
});

test("treeEntry tells about damaged trees", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address, gitLine } = server.repository();
  const tree = gitLine(["mktree"]);
  const gone = "1".repeat(40);
  const lines = [`100644 blob ${gone}\tgone`, `040000 tree ${gone}\tgone-tree`];
  const root = gitLine(["mktree", "--missing"], { input: `${lines.join("\n")}\n` });
  const wrong = Buffer.concat([Buffer.from("100644 file\0"), Buffer.from(tree, "hex")]);
  const args = ["hash-object", "-t", "tree", "-w", "--stdin", "--literally"];
  const mismatched = gitLine(args, { input: wrong });
  const cases = [
    [root, "gone", "object not found"],
    [root, "gone-tree", "object not found"],
    [
      mismatched,
      "file",
      `mismatched object type: tree-oid=${tree} object-oid=${tree} entry-type=BLOB object-type=tree`,
    ],
  ] as const;
  for (const [revision, path, message] of cases) {
    const request = { repository: address, revision: Buffer.from(revision) };
    await assert.rejects(collect(client.treeEntry({ ...request, path: Buffer.from(path) })), {
      kind: "internal",
      message,
    });
  }
});

test("treeEntry refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  const revision = Buffer.from("main");
  const path = Buffer.from("file");
  const cases = [
    [{ path }, "empty revision"],
    [{ path, revision: Buffer.from("--output=/meow") }, "revision can't start with '-'"],
    [{ path, revision: Buffer.from("a:b") }, "revision can't contain ':'"],
    [{ revision }, "empty Path"],
    [{ revision, path, limit: -1n }, "negative Limit"],
    [{ revision, path, maxSize: -1n }, "negative MaxSize"],
    [{ revision, path: Buffer.from("a\0/b") }, "revision must not contain NUL bytes"],
  ] as const;
  for (const [request, message] of cases) {
    await assert.rejects(collect(client.treeEntry({ repository, ...request })), {
      kind: "invalid-argument",
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.treeEntry({ ...(address && { repository: address }) }),
  );
});
