import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobService, type GetBlobResponse } from "../../proto/blob_pb.ts";
import type { Client } from "../../rpc/client/client.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer, type TestAddress } from "../../testing/test-server.ts";

function content(replies: readonly GetBlobResponse[]): Buffer {
  return Buffer.concat(replies.map(({ data }) => data));
}

async function assertBlob(
  client: Client<typeof BlobService>,
  repository: TestAddress,
  oid: string,
  data: Buffer,
): Promise<void> {
  for (const limit of [-1, 0, 1, 128 * 1024, data.length, data.length + 1]) {
    const replies = await collect(client.getBlob({ repository, oid, limit: BigInt(limit) }));
    const bytes = limit < 0 ? data.length : Math.min(limit, data.length);
    assert.ok(content(replies).equals(data.subarray(0, bytes)));
    assert.equal(replies.length, Math.max(1, Math.ceil(bytes / (128 * 1024))));
    const [first, ...others] = replies;
    assert.equal(first?.oid, oid);
    assert.equal(first?.size, BigInt(data.length));
    assert.ok(others.every((reply) => reply.oid === "" && reply.size === 0n));
  }
}

test("getBlob streams a blob, or the start of it", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const random = Buffer.from(Array.from({ length: 1_500_000 }, (_, i) => (i * i * 7919) >> 5));
  for (const format of ["sha1", "sha256"] as const) {
    const { address, git, gitLine } = server.repository({ format });
    for (const data of [Buffer.from("x"), random.subarray(0, 300_000), random]) {
      const oid = gitLine(["hash-object", "-w", "--stdin"], { input: data });
      await assertBlob(client, address, oid, data);
      git(["repack", "-adkq"]);
      await assertBlob(client, address, oid, data);
    }
  }
});

test("getBlob sends an empty blob in one reply", async (t) => {
  const server = await startTestServer(t);
  const { address: repository, gitLine } = server.repository();
  const oid = gitLine(["hash-object", "-w", "--stdin"]);
  const replies = await collect(
    server.client(BlobService).getBlob({ repository, oid, limit: -1n }),
  );
  assert.equal(replies.length, 1);
  assert.equal(replies[0]?.oid, oid);
  assert.equal(replies[0]?.size, 0n);
});

test("getBlob takes any revision, and answers nothing when it is no blob", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address: repository, git, gitLine } = server.repository();
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const tree = gitLine(["mktree"], { input: `100644 blob ${blob}\tä file\n` });
  const commit = gitLine(["commit-tree", tree, "-m", "message"]);
  git(["update-ref", "refs/heads/main", commit]);
  for (const oid of [blob, blob.slice(0, 8), "main:ä file", `${tree}:ä file`, "@{0}:ä file"]) {
    const replies = await collect(client.getBlob({ repository, oid, limit: -1n }));
    assert.equal(content(replies).toString(), "content", oid);
    assert.equal(replies[0]?.oid, blob);
  }
  for (const oid of [tree, commit, "main", "0".repeat(40), "missing", "-x", "a b", "main:none"]) {
    const [reply, ...others] = await collect(client.getBlob({ repository, oid, limit: -1n }));
    assert.equal(reply?.oid, "", oid);
    assert.equal(reply?.size, 0n);
    assert.equal(others.length, 0);
  }
});

test("getBlob refuses requests that name no blob", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address: repository } = server.repository();
  await assert.rejects(collect(client.getBlob({ repository })), {
    kind: "invalid-argument",
    message: "empty Oid",
  });
  await assert.rejects(collect(client.getBlob({ repository, oid: "a\0b" })), {
    kind: "invalid-argument",
    message: "read object: revision must not contain NUL bytes",
  });
  await assertRepositoryErrors((address) =>
    client.getBlob({ ...(address && { repository: address }) }),
  );
});

test("getBlob ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address: repository, gitLine } = server.repository();
  const input = Buffer.alloc(32 * 1024 * 1024, "0123456789abcdef");
  const oid = gitLine(["hash-object", "-w", "--stdin"], { input });
  const gone = new AbortController();
  const replies = client.getBlob({ repository, oid, limit: -1n }, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
