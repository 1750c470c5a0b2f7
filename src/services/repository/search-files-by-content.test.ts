import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import type { Client } from "../../rpc/client/client.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestAddress,
} from "../../testing/test-server.ts";

function lines(prefix: string): string {
  return [1, 2, 3, 4, 5, 6].map((number) => `${prefix}-${number}\n`).join("");
}

function fixture({ git, gitLine }: ServedRepository): void {
  const write = (input: string): string => gitLine(["hash-object", "-w", "--stdin"], { input });
  const tree = gitLine(["mktree"], {
    input: [
      `100644 blob ${write(lines("a"))}\ta`,
      `100644 blob ${write(lines("b"))}\tb`,
      `100644 blob ${write("-dashed\n")}\t-dashed`,
      `100644 blob ${write(`${"lorem ipsum".repeat(50_000)}\n`)}\tlong`,
      `100644 blob ${write("今天吃了什么东西\n".repeat(20_000))}\tmany`,
      "",
    ].join("\n"),
  });
  git(["update-ref", "refs/heads/main", gitLine(["commit-tree", tree, "-m", "message"])]);
}

async function search(
  client: Client<typeof RepositoryService>,
  repository: TestAddress,
  query: string,
  ref = "main",
): Promise<string[]> {
  const request = { repository, query, ref: Buffer.from(ref) };
  const found: string[] = [];
  let current: Buffer[] = [];
  for (const { matchData, endOfMatch } of await collect(client.searchFilesByContent(request))) {
    assert.equal(matchData.length === 0, endOfMatch);
    current.push(Buffer.from(matchData));
    if (!endOfMatch) continue;
    found.push(Buffer.concat(current).toString());
    current = [];
  }
  assert.deepEqual(current, []);
  return found;
}

function expected(file: string, from: number, to: number): string {
  let text = "";
  for (let line = from; line <= to; line++) text += `main:${file}\0${line}\0${file}-${line}\n`;
  return text;
}

test("searchFilesByContent finds matches with the lines around them", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    fixture(served);
    const find = (query: string, ref?: string): Promise<string[]> =>
      search(client, served.address, query, ref);
    assert.deepEqual(await find("a-6"), [expected("a", 4, 6)]);
    assert.deepEqual(await find("[AB]-[16]"), [expected("a", 1, 6), expected("b", 1, 6)]);
    assert.deepEqual(await find("(*LIMIT_MATCH=1)a-1"), [expected("a", 1, 3)]);
    assert.deepEqual(await find("-dashed"), ["main:-dashed\x001\0-dashed\n"]);
    assert.deepEqual(await find("nothing like this"), []);
    assert.deepEqual(await find("a", "missing"), []);
    const [long = ""] = await find("ipsum");
    assert.equal(long, `main:long\x001\0${"lorem ipsum".repeat(50_000)}\n`);
    const [many = ""] = await find("什么东西");
    assert.equal(many.split("\n").length, 20_001);
  }
});

test("searchFilesByContent finds nothing in an empty repository", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  assert.deepEqual(await search(client, server.repository().address, "a", "HEAD"), []);
});

test("searchFilesByContent refuses bad requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository } = server.repository();
  for (const [request, message] of [
    [{}, "no query given"],
    [{ query: "a" }, "no ref given"],
    [{ query: "a", ref: Buffer.from("--no-index") }, "invalid ref argument"],
  ] as const) {
    await assert.rejects(collect(client.searchFilesByContent({ repository, ...request })), {
      kind: "invalid-argument",
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.searchFilesByContent({ ...(address && { repository: address }) }),
  );
});

test("searchFilesByContent ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository, git, gitLine } = server.repository();
  const input = "abcdefghij\n".repeat(3_000_000);
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input });
  const tree = gitLine(["mktree"], { input: `100644 blob ${blob}\tfile\n` });
  git(["update-ref", "refs/heads/main", gitLine(["commit-tree", tree, "-m", "message"])]);
  const gone = new AbortController();
  const request = { repository, query: "abc", ref: Buffer.from("main") };
  const replies = client.searchFilesByContent(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
