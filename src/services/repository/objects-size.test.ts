import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { writeCommit } from "../../testing/test-commits.ts";
import { startTestServer, type TestAddress } from "../../testing/test-server.ts";

interface Request {
  readonly repository?: TestAddress;
  readonly revisions?: Uint8Array[];
}

async function* requests(...items: readonly Request[]): AsyncGenerator<Request> {
  yield* items;
}

const bytes = (...revisions: string[]): Uint8Array[] =>
  revisions.map((revision) => Buffer.from(revision));

test("objectsSize sums up what revisions reach", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { address: repository, path, gitLine } = served;
    const looseSize = (...names: string[]): bigint => {
      const oids = names.map((name) => gitLine(["rev-parse", name]));
      const files = oids.map((oid) => join(path, "objects", oid.slice(0, 2), oid.slice(2)));
      return BigInt(files.reduce((sum, file) => sum + statSync(file).size, 0));
    };
    const parent = writeCommit(served, { ref: "refs/heads/main" });
    writeCommit(served, { content: "other", parents: [parent], ref: "refs/heads/other" });
    const size = async (...revisions: Uint8Array[][]): Promise<bigint> => {
      const [first = [], ...rest] = revisions;
      const more = rest.map((list) => ({ revisions: list }));
      return (await client.objectsSize(requests({ repository, revisions: first }, ...more))).size;
    };
    const main = looseSize("main", "main^{tree}", "main:file");
    const other = looseSize("other", "other^{tree}", "other:file");
    assert.equal(await size(bytes("main")), main);
    assert.equal(await size(bytes("other")), main + other);
    assert.equal(await size(bytes("other"), bytes("main", "main")), main + other);
    assert.equal(await size(bytes("--all"), bytes("--not", "main")), other);
    assert.equal(await size(bytes("other", "^main")), other);
    assert.equal(await size(bytes("main^{tree}")), looseSize("main^{tree}", "main:file"));
    assert.equal(await size(bytes("main", "^main")), 0n);
  }
});

test("objectsSize refuses bad requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const { address: repository } = served;
  writeCommit(served, { ref: "refs/heads/main" });
  const revisions = bytes("main");
  const invalid = "invalid-argument";
  for (const [items, kind, message] of [
    [[], "internal", "receiving initial request: EOF"],
    [[{ repository }], invalid, "no revisions specified"],
    [[{ repository, revisions }, {}], invalid, "no revisions specified"],
    [
      [
        { repository, revisions },
        { repository, revisions },
      ],
      invalid,
      "subsequent requests must not contain repository",
    ],
    [
      [{ repository, revisions: bytes("-HEAD") }],
      invalid,
      "validating revision: revision can't start with '-'",
    ],
    [
      [{ repository, revisions }, { revisions: bytes("HEAD\n") }],
      invalid,
      "validating revision: revision can't contain whitespace",
    ],
    [[{ repository, revisions: bytes("does/not/exist") }], "not-found", "revision not found"],
  ] as const) {
    await assert.rejects(client.objectsSize(requests(...items)), { kind, message });
  }
  await assertRepositoryErrors((address) =>
    client.objectsSize(requests({ ...(address && { repository: address }), revisions })),
  );
});

test("objectsSize says when git fails", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const tree = served.gitLine(["mktree", "--missing"], {
    input: `100644 blob ${"1".repeat(40)}\tfile\n`,
  });
  const request = { repository: served.address, revisions: bytes(tree) };
  await assert.rejects(client.objectsSize(requests(request)), {
    kind: "internal",
    message: "rev-list failed with error code 128",
  });
});

test("objectsSize ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  writeCommit(served, { ref: "refs/heads/main" });
  const request = { repository: served.address, revisions: bytes("main") };
  await client.objectsSize(requests(request));
  const gone = new AbortController();
  async function* interrupted(): AsyncGenerator<Request> {
    yield request;
    gone.abort();
  }
  const call = client.objectsSize(interrupted(), { signal: gone.signal });
  await assert.rejects(call, { kind: "cancelled" });
});
