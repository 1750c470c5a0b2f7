import assert from "node:assert/strict";
import { test } from "node:test";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  CommitService,
  GetTreeEntriesErrorSchema,
  GetTreeEntriesRequest_SortBy as SortBy,
  type TreeEntry,
  TreeEntry_EntryType as Type,
} from "../../proto/commit_pb.ts";
import { PathError_ErrorType } from "../../proto/errors_pb.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

interface Asked {
  readonly revision?: string;
  readonly path?: string;
  readonly recursive?: boolean;
  readonly skipFlatPaths?: boolean;
  readonly sort?: SortBy;
  readonly paginationParams?: { readonly limit: number; readonly pageToken?: string };
}

const FILES = {
  "a/b/c/deep.txt": "deep",
  "a.txt": "a",
  "bar/file": { mode: "100755", content: "file" },
  "bar/folder/sub/x": "x",
  "foo/folder/x": "x",
  link: { mode: "120000", content: "a.txt" },
};

async function fixture(
  t: Parameters<typeof startTestServer>[0],
  format: "sha1" | "sha256" = "sha1",
) {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository({ format });
  const module = "1".repeat(format === "sha1" ? 40 : 64);
  const commit = changeFiles(repository, {
    ...FILES,
    module: { mode: "160000", content: module },
  });
  const replies = ({ revision = "main", path = ".", ...rest }: Asked) =>
    client.getTreeEntries({
      repository: repository.address,
      revision: Buffer.from(revision),
      path: Buffer.from(path, "latin1"),
      ...rest,
    });
  const ask = async (asked: Asked = {}) => {
    const all = await collect(replies(asked));
    return {
      entries: all.flatMap(({ entries }) => entries),
      paths: all.flatMap(({ entries }) => entries.map(pathText)),
      cursors: all.map(({ paginationCursor }) => paginationCursor?.nextCursor),
    };
  };
  return { client, repository, commit, replies, ask };
}

function pathText({ path }: TreeEntry): string {
  return Buffer.from(path).toString("latin1");
}

function flatText({ flatPath }: TreeEntry): string {
  return Buffer.from(flatPath).toString("latin1");
}

for (const format of ["sha1", "sha256"] as const) {
  test(`getTreeEntries lists a folder of a ${format} repository`, async (t) => {
    const { repository, commit, ask } = await fixture(t, format);
    for (const revision of ["main", commit, "HEAD", `${commit}^{tree}`]) {
      const { entries, cursors } = await ask({ revision });
      const { gitLine } = repository;
      const oid = (path: string): string => gitLine(["rev-parse", `main:${path}`]);
      assert.deepEqual(
        entries.map((entry) => [
          pathText(entry),
          flatText(entry),
          entry.type,
          entry.mode,
          entry.oid,
        ]),
        [
          ["a.txt", "a.txt", Type.BLOB, 0o100644, oid("a.txt")],
          ["a", "a/b/c", Type.TREE, 0o040000, oid("a")],
          ["bar", "bar", Type.TREE, 0o040000, oid("bar")],
          ["foo", "foo/folder", Type.TREE, 0o040000, oid("foo")],
          ["link", "link", Type.BLOB, 0o120000, oid("link")],
          ["module", "module", Type.COMMIT, 0o160000, oid("module")],
        ],
      );
      assert.ok(entries.every(({ commitOid }) => commitOid === revision));
      assert.deepEqual(cursors, [""]);
    }
    for (const path of ["bar", "bar/"]) {
      const { entries } = await ask({ path });
      assert.deepEqual(entries.map(pathText), ["bar/file", "bar/folder"]);
      assert.deepEqual(entries.map(flatText), ["bar/file", "bar/folder/sub"]);
    }
    const { entries } = await ask({ path: "bar", skipFlatPaths: true });
    assert.deepEqual(entries.map(flatText), ["", ""]);
  });
}

test("getTreeEntries descends and sorts", async (t) => {
  const { ask } = await fixture(t);
  const { entries, paths } = await ask({ recursive: true });
  assert.deepEqual(paths, [
    ...["a.txt", "a", "a/b", "a/b/c", "a/b/c/deep.txt", "bar", "bar/file", "bar/folder"],
    ...["bar/folder/sub", "bar/folder/sub/x", "foo", "foo/folder", "foo/folder/x"],
    ...["link", "module"],
  ]);
  assert.ok(entries.every(({ flatPath }) => flatPath.length === 0));
  const below = await ask({ recursive: true, path: "bar/folder" });
  assert.deepEqual(below.paths, ["bar/folder/sub", "bar/folder/sub/x"]);
  const treesFirst = await ask({ sort: SortBy.TREES_FIRST });
  assert.deepEqual(treesFirst.paths, ["a", "bar", "foo", "a.txt", "link", "module"]);
  const byName = await ask({ sort: SortBy.FILESYSTEM, path: "." });
  assert.deepEqual(byName.paths, ["a", "a.txt", "bar", "foo", "link", "module"]);
});

test("getTreeEntries looks for flat paths ten folders deep", async (t) => {
  const { repository, ask } = await fixture(t);
  changeFiles(repository, { "0/1/2/3/4/5/6/7/8/9/10/11/12/file": "" });
  const { entries } = await ask({ path: "0" });
  assert.deepEqual(entries.map(flatText), ["0/1/2/3/4/5/6/7/8/9/10"]);
});

test("getTreeEntries gives pages of the tree that the first one came from", async (t) => {
  const { repository, ask } = await fixture(t);
  const all = (await ask({ recursive: true })).paths;
  for (const sort of [SortBy.DEFAULT, SortBy.TREES_FIRST]) {
    const whole = await ask({ recursive: true, sort });
    const pages: string[] = [];
    let next: string | undefined = "";
    while (next !== undefined) {
      const paginationParams = { limit: 4, pageToken: next };
      const page = await ask({ recursive: true, sort, paginationParams });
      pages.push(...page.paths);
      next = page.cursors.find((token) => token !== "");
    }
    assert.deepEqual(pages, whole.paths);
  }
  const first = await ask({ recursive: true, paginationParams: { limit: 2 } });
  const [cursor = ""] = first.cursors;
  const tree = repository.gitLine(["rev-parse", "main^{tree}"]);
  assert.deepEqual(JSON.parse(Buffer.from(cursor, "base64").toString()), {
    file_name: "a",
    tree_oid: tree,
  });
  changeFiles(repository, { "a/a": "new", "a/b/c/deep.txt": null });
  const paginationParams = { limit: 3, pageToken: cursor };
  const second = await ask({ recursive: true, paginationParams });
  assert.deepEqual(second.paths, all.slice(2, 5));
  const bar = await ask({ path: "bar", paginationParams: { limit: 1 } });
  changeFiles(repository, { "bar/folder/sub/x": null, "bar/folder/other/deep/x": "" });
  const [pageToken = ""] = bar.cursors;
  // Flat paths follow the revision.
  const { entries } = await ask({ path: "bar", paginationParams: { limit: 1, pageToken } });
  assert.deepEqual(entries.map(flatText), ["bar/folder/other/deep"]);
});

test("getTreeEntries knows limits and old tokens", async (t) => {
  const { repository, ask, replies } = await fixture(t);
  const oid = repository.gitLine(["rev-parse", "main:bar"]);
  const behindBar = await ask({ paginationParams: { limit: 2, pageToken: oid } });
  assert.deepEqual(behindBar.paths, ["foo", "link"]);
  assert.notEqual(behindBar.cursors[0], "");
  const all = await ask({ paginationParams: { limit: -1 } });
  assert.equal(all.paths.length, 6);
  assert.deepEqual(all.cursors, [""]);
  assert.deepEqual((await ask({ paginationParams: { limit: 6 } })).cursors, [""]);
  assert.deepEqual(await collect(replies({ paginationParams: { limit: 0 } })), []);
  for (const limit of [0, 1]) {
    const paginationParams = { limit, pageToken: "non-existent" };
    await assert.rejects(ask({ paginationParams }), {
      kind: "internal",
      message: "could not find starting OID: non-existent",
    });
  }
});

test("getTreeEntries takes names that aren't UTF-8", async (t) => {
  const { repository, ask } = await fixture(t);
  changeFiles(repository, { "\xff/\xfe/one": "1", "\xff/\xfe/{{two}}": "2" });
  const { entries } = await ask({ path: "\xff" });
  assert.deepEqual(entries.map(pathText), ["\xff/\xfe"]);
  const { paths } = await ask({ path: "\xff/\xfe" });
  assert.deepEqual(paths, ["\xff/\xfe/one", "\xff/\xfe/{{two}}"]);
});

test("getTreeEntries cuts replies by their size", async (t) => {
  const { repository, replies } = await fixture(t);
  const folder = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(200)).join("/");
  const files = Array.from({ length: 700 }, (_, index) => [`${folder}/file-${index}`, ""]);
  changeFiles(repository, Object.fromEntries(files));
  const received = await collect(replies({ path: folder, skipFlatPaths: true }));
  const counts = received.map(({ entries }) => entries.length);
  assert.equal(counts.length, 2);
  assert.equal((counts[0] ?? 0) + (counts[1] ?? 0), 700);
  const cursors = received.map(({ paginationCursor }) => paginationCursor?.nextCursor);
  assert.deepEqual(cursors, ["", undefined]);
});

test("getTreeEntries says why there is no such tree", async (t) => {
  const { ask, commit } = await fixture(t);
  const cases: [Asked, kind: string, message: string][] = [
    [{ path: "a.txt" }, "invalid-argument", "path not treeish"],
    [{ path: "a.txt", recursive: true }, "invalid-argument", "path not treeish"],
    [{ path: "missing" }, "invalid-argument", "invalid revision or path"],
    [{ path: "missing", recursive: true }, "not-found", "invalid revision or path"],
    [{ revision: "missing" }, "invalid-argument", "invalid revision or path"],
    [{ revision: "missing", recursive: true }, "not-found", "invalid revision or path"],
    [{ path: "./a" }, "invalid-argument", "invalid revision or path"],
    [{ path: "./.." }, "invalid-argument", "invalid revision or path"],
    [{ path: "../a" }, "invalid-argument", "invalid revision or path"],
    [{ path: "/a" }, "invalid-argument", "invalid revision or path"],
    [{ path: "module" }, "not-found", "revision doesn't exist"],
    [{ path: "module/x" }, "invalid-argument", "invalid revision or path"],
    [{ revision: `${commit}^` }, "invalid-argument", "invalid revision or path"],
  ];
  for (const [asked, kind, message] of cases) {
    const revision = asked.revision ?? "main";
    await assert.rejects(ask(asked), (error) => {
      assert.ok(error instanceof RpcError);
      assert.deepEqual([error.kind, error.message], [kind, message], JSON.stringify(asked));
      const [any] = error.details;
      const found = any && anyUnpack(any, GetTreeEntriesErrorSchema)?.error;
      assert.ok(found?.case === "resolveTree");
      assert.equal(Buffer.from(found.value.revision).toString(), revision);
      return true;
    });
  }
});

test("getTreeEntries refuses invalid requests", async (t) => {
  const { ask, client, repository } = await fixture(t);
  await assert.rejects(ask({ path: "" }), (error) => {
    assert.ok(error instanceof RpcError);
    assert.deepEqual([error.kind, error.message], ["invalid-argument", "empty path"]);
    const [any] = error.details;
    const found = any && anyUnpack(any, GetTreeEntriesErrorSchema)?.error;
    assert.ok(found?.case === "path");
    assert.equal(found.value.errorType, PathError_ErrorType.EMPTY_PATH);
    return true;
  });
  const cases = [
    ["", "empty revision"],
    ["--output=/meow", "revision can't start with '-'"],
    ["main:a", "revision can't contain ':'"],
  ] as const;
  for (const [revision, message] of cases) {
    await assert.rejects(ask({ revision }), { kind: "invalid-argument", message });
  }
  await assertRepositoryErrors((address) =>
    client.getTreeEntries({ ...(address && { repository: address }) }),
  );
  await assert.rejects(
    collect(
      client.getTreeEntries({
        repository: repository.address,
        revision: Buffer.from("main"),
        path: Buffer.from("a\0b"),
      }),
    ),
    {
      kind: "internal",
      message:
        'reading tree: getting revision: detected null byte in command argument "main:a\\x00b"',
    },
  );
});

test("getTreeEntries finds nothing in an empty repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository, gitLine } = server.repository();
  const path = Buffer.from(".");
  await assert.rejects(
    collect(client.getTreeEntries({ repository, revision: Buffer.from("main"), path })),
    { kind: "invalid-argument", message: "invalid revision or path" },
  );
  const empty = gitLine(["mktree"]);
  const revision = Buffer.from(empty);
  assert.deepEqual(await collect(client.getTreeEntries({ repository, revision, path })), []);
});

test("getTreeEntries stops when the client does", async (t) => {
  const { replies, repository, client } = await fixture(t);
  const gone = new AbortController();
  gone.abort();
  const request = {
    repository: repository.address,
    revision: Buffer.from("main"),
    path: Buffer.from("."),
    recursive: true,
  };
  await assert.rejects(collect(client.getTreeEntries(request, { signal: gone.signal })), {
    kind: "cancelled",
  });
  assert.equal((await collect(replies({ recursive: true }))).length, 1);
});
