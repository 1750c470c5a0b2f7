import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

const NAMES = ["-dash", ".rc", '"quote.txt', "a.md", "b.md", "cuộc đời.md", "x\udc80.md"];

/** Files with strange names, and some in a folder. */
function fixture({ git, gitLine }: ServedRepository): void {
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const line = (name: string): Buffer => {
    const bytes = name.startsWith("x") ? Buffer.from("x\x80.md", "latin1") : Buffer.from(name);
    return Buffer.concat([Buffer.from(`100644 blob ${blob}\t`), bytes, Buffer.alloc(1)]);
  };
  const folder = gitLine(["mktree", "-z"], {
    input: Buffer.concat(["c.svg", "d.txt"].map(line)),
  });
  const tree = gitLine(["mktree", "-z"], {
    input: Buffer.concat([
      ...NAMES.map(line),
      Buffer.from(`040000 tree ${folder}\tfolder`),
      Buffer.alloc(1),
    ]),
  });
  git(["update-ref", "refs/heads/main", gitLine(["commit-tree", tree, "-m", "message"])]);
}

test("searchFilesByName finds files below a path", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    fixture(served);
    const search = async (query: string, more = {}): Promise<string[]> => {
      const request = { repository: served.address, ref: Buffer.from("main"), query, ...more };
      const replies = await collect(client.searchFilesByName(request));
      assert.equal(replies.length, 1);
      return (replies[0]?.files ?? []).map((file) => Buffer.from(file).toString("latin1"));
    };
    const latin1 = (name: string): string => Buffer.from(name).toString("latin1");
    assert.deepEqual(await search("folder"), ["folder/c.svg", "folder/d.txt"]);
    assert.deepEqual(await search("folder/c.svg"), ["folder/c.svg"]);
    assert.deepEqual(await search("-dash"), ["-dash"]);
    assert.deepEqual(await search('"quote.txt'), ['"quote.txt']);
    assert.deepEqual(await search("cuộc đời.md"), [latin1("cuộc đời.md")]);
    assert.deepEqual(await search("missing"), []);
    assert.deepEqual(await search("../outside"), []);
    assert.deepEqual(await search(".", { ref: Buffer.from("missing") }), []);
    const filtered = (filter: string, more = {}): Promise<string[]> =>
      search(".", { filter, ...more });
    assert.deepEqual(await filtered("\\.svg$"), ["folder/c.svg"]);
    assert.deepEqual(await filtered("^\\..*"), [".rc"]);
    assert.deepEqual(await filtered("^cuộc .ời\\.(md|txt)$"), [latin1("cuộc đời.md")]);
    assert.deepEqual(await filtered("^x.\\.md$"), ["x\x80.md"]);
    assert.deepEqual(await filtered("^(a|b)\\."), ["a.md", "b.md"]);
    assert.deepEqual(await filtered("^(a|b)\\.", { offset: 1 }), ["b.md"]);
    assert.deepEqual(await filtered("^(a|b)\\.", { limit: 1 }), ["a.md"]);
    assert.deepEqual(await filtered("nothing", { offset: 1, limit: 1 }), []);
    assert.deepEqual(await search(".", { offset: 3, limit: 2 }), ["a.md", "b.md"]);
    assert.deepEqual(await search(".", { offset: 8, limit: 5 }), ["x\x80.md"]);
    assert.deepEqual(await search(".", { offset: 9 }), []);
  }
});

test("searchFilesByName finds nothing in an empty repository", async (t) => {
  const server = await startTestServer(t);
  const request = { repository: server.repository().address, query: ".", ref: Buffer.from("HEAD") };
  const [reply, ...others] = await collect(
    server.client(RepositoryService).searchFilesByName(request),
  );
  assert.deepEqual([reply?.files, others.length], [[], 0]);
});

test("searchFilesByName refuses bad requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository } = server.repository();
  const ref = Buffer.from("main");
  for (const [request, message] of [
    [{}, "no query given"],
    [{ query: "a" }, "no ref given"],
    [{ query: "a", ref: Buffer.from("--x") }, "invalid ref argument"],
    [{ query: "a", ref, filter: "é".repeat(501) }, "filter exceeds maximum length"],
    [
      { query: "a", ref, filter: "+*." },
      "filter did not compile: error parsing regexp: missing argument to repetition operator: `+`",
    ],
    [
      { query: "a", ref, filter: "a\\" },
      "filter did not compile: error parsing regexp: trailing backslash at end of expression: ``",
    ],
  ] as const) {
    await assert.rejects(collect(client.searchFilesByName({ repository, ...request })), {
      kind: "invalid-argument",
      message,
    });
  }
  await assert.rejects(collect(client.searchFilesByName({ repository, ref, query: "a\0" })), {
    kind: "internal",
    message: 'cmd start failed: detected null byte in command argument "a\\x00"',
  });
  await assertRepositoryErrors((address) =>
    client.searchFilesByName({ ...(address && { repository: address }) }),
  );
});
