import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BlobService, type ListAllBlobsResponse } from "../../proto/blob_pb.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

/** `oid size data` of each part, sorted. */
function shown(replies: readonly ListAllBlobsResponse[]): string[] {
  const parts = replies.flatMap(({ blobs }) => blobs);
  return parts.map(({ oid, size, data }) => `${oid}|${size}|${Buffer.from(data)}`).sort();
}

test("listAllBlobs lists blobs wherever they are stored", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  for (const format of ["sha1", "sha256"] as const) {
    const { address: repository, git, gitLine } = server.repository({ format });
    const write = (input: string): string => gitLine(["hash-object", "-w", "--stdin"], { input });
    const [a, empty] = [write("aaaa"), write("")];
    const tree = gitLine(["mktree"], { input: `100644 blob ${a}\ta\n` });
    git(["update-ref", "refs/heads/main", gitLine(["commit-tree", tree, "-m", "message"])]);
    git(["repack", "-adq"]);
    const b = write("bb");
    const list = async (more = {}): Promise<string[]> =>
      shown(await collect(client.listAllBlobs({ repository, ...more })));
    assert.deepEqual(await list(), [`${a}|4|`, `${b}|2|`, `${empty}|0|`].sort());
    assert.deepEqual(
      await list({ bytesLimit: 3n }),
      [`${a}|4|aaa`, `${b}|2|bb`, `${empty}|0|`].sort(),
    );
    assert.equal((await list({ limit: 2 })).length, 2);
    assert.equal((await list({ limit: 2, bytesLimit: -1n })).length, 2);
  }
});

test("listAllBlobs lists what a push has brought", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address, path, gitLine } = server.repository();
  const old = gitLine(["hash-object", "-w", "--stdin"], { input: "old" });
  const quarantine = "objects/tmp_objdir-incoming-test";
  mkdirSync(join(path, quarantine));
  const env = { GIT_OBJECT_DIRECTORY: join(path, quarantine) };
  const pushed = gitLine(["hash-object", "-w", "--stdin"], { input: "pushed", env });
  const list = async (gitAlternateObjectDirectories: string[]): Promise<string[]> => {
    const repository = {
      ...address,
      gitObjectDirectory: quarantine,
      gitAlternateObjectDirectories,
    };
    return shown(await collect(client.listAllBlobs({ repository, bytesLimit: -1n })));
  };
  assert.deepEqual(await list([]), [`${pushed}|6|pushed`]);
  assert.deepEqual(await list(["objects"]), [`${old}|3|old`, `${pushed}|6|pushed`].sort());
});

test("listAllBlobs cuts blobs that are too large for a reply", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address: repository, gitLine } = server.repository();
  const input = Buffer.alloc(3 * 1024 * 1024, "0123456789");
  const oid = gitLine(["hash-object", "-w", "--stdin"], { input });
  const replies = await collect(client.listAllBlobs({ repository, bytesLimit: -1n }));
  const [first, ...rest] = replies.flatMap(({ blobs }) => blobs);
  assert.deepEqual([first?.oid, first?.size], [oid, BigInt(input.length)]);
  assert.ok(rest.every((part) => part.oid === "" && part.size === 0n));
  assert.ok(Buffer.concat([first?.data ?? input, ...rest.map(({ data }) => data)]).equals(input));
  assert.ok(replies.every(({ blobs }) => blobs.length > 0));
});

test("listAllBlobs lists nothing in an empty repository", async (t) => {
  const server = await startTestServer(t);
  const { address: repository } = server.repository();
  assert.deepEqual(await collect(server.client(BlobService).listAllBlobs({ repository })), []);
});

test("listAllBlobs fails when an object is damaged", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address: repository, path, gitLine } = server.repository();
  const oid = gitLine(["hash-object", "-w", "--stdin"], { input: "content" });
  const file = join(path, "objects", oid.slice(0, 2), "f".repeat(38));
  writeFileSync(file, "damaged");
  await assert.rejects(collect(client.listAllBlobs({ repository })), {
    kind: "internal",
    message: "processing blobs: parsing object info: object not found",
  });
});

test("listAllBlobs refuses repositories that aren't there", async (t) => {
  const client = (await startTestServer(t)).client(BlobService);
  await assertRepositoryErrors((address) =>
    client.listAllBlobs({ ...(address && { repository: address }) }),
  );
});

test("listAllBlobs ends when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const { address: repository, gitLine } = server.repository();
  const input = Buffer.alloc(32 * 1024 * 1024, "0123456789abcdef");
  gitLine(["hash-object", "-w", "--stdin"], { input });
  const gone = new AbortController();
  const replies = client.listAllBlobs({ repository, bytesLimit: -1n }, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
