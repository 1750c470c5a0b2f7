import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type GetRawChangesResponse,
  GetRawChangesResponse_RawChange_Operation as Operation,
  RepositoryService,
} from "../../proto/repository_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

interface Commits {
  readonly blob: string;
  readonly other: string;
  readonly from: string;
  readonly to: string;
}

/** Two commits that differ in all ways that there are. */
function fixture({ gitLine, format }: ServedRepository): Commits {
  const write = (input: string): string => gitLine(["hash-object", "-w", "--stdin"], { input });
  const [blob, other, moved] = [write("content\n"), write("other\n"), write("moved\nfile\n")];
  const module = "1".repeat(format === "sha1" ? 40 : 64);
  const commit = (entries: readonly string[]): string => {
    const input = Buffer.from(`${entries.join("\0")}\0`, "latin1");
    const tree = gitLine(["mktree", "-z", "--missing"], { input });
    return gitLine(["commit-tree", tree, "-m", "message"]);
  };
  const from = commit([
    `100644 blob ${blob}\tdeleted`,
    `100644 blob ${blob}\tmode`,
    `100644 blob ${blob}\tx\x80"\n`,
    `100644 blob ${moved}\told`,
    `120000 blob ${other}\ttype`,
    `160000 commit ${module}\tmodule`,
  ]);
  const to = commit([
    `100644 blob ${other}\tadded`,
    `100755 blob ${blob}\tmode`,
    `100644 blob ${other}\tx\x80"\n`,
    `100644 blob ${moved}\tnew`,
    `100644 blob ${other}\ttype`,
  ]);
  return { blob, other, from, to };
}

function nameOf(operation: Operation): string {
  return Object.entries(Operation).find(([, value]) => value === operation)?.[0] ?? "";
}

/** Operation, modes, paths, size and id of each change. */
function shown(replies: readonly GetRawChangesResponse[]): (string | bigint)[][] {
  return replies.flatMap(({ rawChanges }) =>
    rawChanges.map((change) => [
      nameOf(change.operation),
      `${change.oldMode.toString(8)} ${change.newMode.toString(8)}`,
      Buffer.from(change.oldPathBytes).toString("latin1"),
      Buffer.from(change.newPathBytes).toString("latin1"),
      change.size,
      change.blobId,
    ]),
  );
}

test("getRawChanges lists changes of every kind", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { blob, other, from, to } = fixture(served);
    const compare = async (fromRevision: string, toRevision: string): Promise<unknown[]> => {
      const request = { repository: served.address, fromRevision, toRevision };
      return shown(await collect(client.getRawChanges(request)));
    };
    const moved = served.gitLine(["rev-parse", `${to}:new`]);
    const zero = "0".repeat(from.length);
    assert.deepEqual(await compare(from, to), [
      ["ADDED", "0 100644", "", "added", 6n, other],
      ["DELETED", "100644 0", "deleted", "", 8n, blob],
      ["MODIFIED", "100644 100755", "mode", "mode", 8n, blob],
      ["DELETED", "160000 0", "module", "", 0n, ""],
      ["RENAMED", "100644 100644", "old", "new", 11n, moved],
      ["TYPE_CHANGED", "120000 100644", "type", "type", 6n, other],
      ["MODIFIED", "100644 100644", 'x\x80"\n', 'x\x80"\n', 6n, other],
    ]);
    assert.deepEqual(await compare(to, `${to}^{tree}`), []);
    assert.deepEqual(await compare(from, zero), []);
    const created = await compare(zero, to);
    assert.deepEqual(created[0], ["ADDED", "0 100644", "", "added", 6n, other]);
    assert.equal(created.length, 5);
  }
});

test("getRawChanges fills its replies", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository, gitLine } = server.repository();
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const name = (index: number): string => `${"x".repeat(200)}${index}`;
  const input = Array.from({ length: 6000 }, (_, i) => `100644 blob ${blob}\t${name(i)}\n`);
  const toRevision = gitLine(["mktree"], { input: input.join("") });
  const request = { repository, fromRevision: "0".repeat(40), toRevision };
  const replies = await collect(client.getRawChanges(request));
  assert.equal(shown(replies).length, 6000);
  assert.equal(replies.length, 2);
});

test("getRawChanges refuses revisions that don't exist", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository, ...served } = server.repository();
  const { from } = fixture({ ...served, address: repository });
  const missing = "1".repeat(40);
  for (const [fromRevision, toRevision, message] of [
    ["", missing, "invalid 'from' revision: \"\""],
    [missing, missing, `invalid 'from' revision: "${missing}"`],
    [from, "nö", "invalid 'to' revision: \"nö\""],
    ["-x", from, "invalid 'from' revision: \"-x\""],
    ["a\0", from, "invalid 'from' revision: \"a\\x00\""],
  ] as const) {
    const request = { repository, fromRevision, toRevision };
    await assert.rejects(collect(client.getRawChanges(request)), {
      kind: "invalid-argument",
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.getRawChanges({ ...(address && { repository: address }) }),
  );
});

test("getRawChanges says when git fails", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const { from, blob } = fixture(served);
  const request = { repository: served.address, fromRevision: from, toRevision: blob };
  await assert.rejects(collect(client.getRawChanges(request)), {
    kind: "internal",
    message: "wait git diff: exit status 129",
  });
});

test("getRawChanges ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository, gitLine } = server.repository();
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const name = (index: number): string => `${"x".repeat(200)}${index}`;
  const input = Array.from({ length: 20_000 }, (_, i) => `100644 blob ${blob}\t${name(i)}\n`);
  const toRevision = gitLine(["mktree"], { input: input.join("") });
  const gone = new AbortController();
  const request = { repository, fromRevision: "0".repeat(40), toRevision };
  const replies = client.getRawChanges(request, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
