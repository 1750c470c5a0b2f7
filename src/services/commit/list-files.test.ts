import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitService } from "../../proto/commit_pb.ts";
import { changeFiles } from "../../testing/change-files.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

const MODULE = "1".repeat(40);

test("listFiles lists files of all kinds, folders after folders", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  for (const format of ["sha1", "sha256"] as const) {
    const repository = server.repository({ format });
    const commit = changeFiles(repository, {
      "a/b/c": "c",
      "a.txt": "a",
      "a-b/c": { mode: "100755", content: "c" },
      "\xff/\xfe": "bytes",
      link: { mode: "120000", content: "a.txt" },
      module: {
        mode: "160000",
        content: format === "sha1" ? MODULE : `${MODULE}${"1".repeat(24)}`,
      },
    });
    repository.git(["tag", "-m", "tagged", "v1.0"]);
    const expected = ["a-b/c", "a.txt", "a/b/c", "link", "\xff/\xfe"];
    for (const revision of ["", "main", "HEAD", "refs/heads/main", "v1.0", commit, "main^{tree}"]) {
      const request = { repository: repository.address, revision: Buffer.from(revision) };
      const replies = await collect(client.listFiles(request));
      const paths = replies.flatMap((reply) => reply.paths.map(text));
      assert.deepEqual(paths, expected, revision);
      assert.equal(replies.length, 1);
    }
  }
});

function text(path: Uint8Array): string {
  return Buffer.from(path).toString("latin1");
}

test("listFiles cuts replies by their size", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  const folder = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(200)).join("/");
  const paths = Array.from({ length: 700 }, (_, index) => `${folder}/file-${1000 + index}`);
  changeFiles(repository, Object.fromEntries(paths.map((path) => [path, ""])));
  const replies = await collect(client.listFiles({ repository: repository.address }));
  const bytes = folder.length + "/file-1000".length + 3;
  const first = Math.ceil((1024 * 1024) / bytes) - 1;
  assert.deepEqual(
    replies.map((reply) => reply.paths.length),
    [first, 700 - first],
  );
  assert.deepEqual(
    replies.flatMap((reply) => reply.paths.map(text)),
    paths,
  );
});

test("listFiles tells a missing revision from one without files", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository, git, gitLine } = server.repository();
  await assert.rejects(collect(client.listFiles({ repository })), {
    kind: "failed-precondition",
    message: "repository does not have a default branch",
  });
  const paths = async (revision: string): Promise<unknown[]> => {
    const replies = await collect(
      client.listFiles({ repository, revision: Buffer.from(revision) }),
    );
    return replies.map((reply) => reply.paths);
  };
  for (const revision of ["main", "refs/heads/main", "1234123412341234", "no/such"]) {
    assert.deepEqual(await paths(revision), [[]], revision);
  }
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "blob" });
  const tree = gitLine(["mktree"]);
  for (const revision of [blob, tree, MODULE]) assert.deepEqual(await paths(revision), []);
  const commit = gitLine(["commit-tree", tree, "-m", "message"]);
  git(["update-ref", "--no-deref", "HEAD", commit]);
  await assert.rejects(collect(client.listFiles({ repository })), {
    kind: "not-found",
    message: 'revision not found ""',
  });
});

test("listFiles shows what a damaged tree still has", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository, gitLine } = server.repository();
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "blob" });
  const lines = [`100644 blob ${blob}\ta`, `040000 tree ${MODULE}\tb`, `100644 blob ${blob}\tc`];
  const tree = gitLine(["mktree", "--missing"], { input: `${lines.join("\n")}\n` });
  const replies = await collect(client.listFiles({ repository, revision: Buffer.from(tree) }));
  assert.deepEqual(
    replies.map((reply) => reply.paths.map(text)),
    [["a"]],
  );
});

test("listFiles refuses revisions that leave an object out", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  const oid = changeFiles(repository, { a: "a" });
  const revision = Buffer.from("^main");
  await assert.rejects(collect(client.listFiles({ repository: repository.address, revision })), {
    kind: "internal",
    message: new RegExp(
      `unsupported object hash "\\^${oid}": invalid object ID: "\\^${oid}", expected length 40, got 41$`,
    ),
  });
});

test("listFiles refuses invalid requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const { address: repository } = server.repository();
  await assert.rejects(
    collect(client.listFiles({ repository, revision: Buffer.from("--output=/meow") })),
    { kind: "invalid-argument", message: "revision can't start with '-'" },
  );
  await assertRepositoryErrors((address) =>
    client.listFiles({ ...(address && { repository: address }) }),
  );
});

test("listFiles stops when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(CommitService);
  const repository = server.repository();
  // A tree of trees that has more files than anybody could list.
  let oid = repository.gitLine(["hash-object", "-w", "--stdin"], { input: "" });
  for (let level = 0; level < 10; level++) {
    const kind = level === 0 ? "100644 blob" : "040000 tree";
    const lines = Array.from({ length: 20 }, (_, index) => `${kind} ${oid}\t${index}\n`);
    oid = repository.gitLine(["mktree"], { input: lines.join("") });
  }
  const gone = new AbortController();
  const request = { repository: repository.address, revision: Buffer.from(oid) };
  const replies = client.listFiles(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
