import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobService, type LFSPointer } from "../../proto/blob_pb.ts";
import type { Client } from "../../rpc/client/client.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

interface Replies {
  readonly lfsPointers: readonly LFSPointer[];
}

function pointer(size: number, length = 0): string {
  const start = `version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\n`;
  const text = `${start}size ${size}\n`;
  return text + "x".repeat(Math.max(0, length - text.length));
}

/** Pointers with 1 to 3 in commits of two branches, 4 and 5 without any. */
function fixture({ git, gitLine }: ServedRepository): Map<string, string> {
  const texts: Record<string, string> = {
    ...{ one: pointer(1), two: pointer(2), three: pointer(3), other: "no pointer" },
    ...{ longest: pointer(4, 200), tooLong: pointer(5, 201) },
  };
  const oids = new Map<string, string>();
  for (const [name, input] of Object.entries(texts)) {
    oids.set(name, gitLine(["hash-object", "-w", "--stdin"], { input }));
  }
  const commit = (branch: string, names: readonly string[]): void => {
    const input = names.map((name) => `100644 blob ${oids.get(name)}\t${name}\n`).join("");
    const tree = gitLine(["mktree"], { input });
    const id = gitLine(["commit-tree", tree, "-m", branch]);
    git(["update-ref", `refs/heads/${branch}`, id]);
    oids.set(branch, id);
    oids.set("tree", tree);
  };
  commit("main", ["one"]);
  commit("topic", ["two", "other", "three", "longest", "tooLong"]);
  return oids;
}

async function sizes(replies: AsyncIterable<Replies>): Promise<bigint[]> {
  const pointers = (await collect(replies)).flatMap(({ lfsPointers }) => lfsPointers);
  for (const { size, data, oid, fileOid, fileSize } of pointers) {
    assert.equal(size, BigInt(data.length));
    assert.ok(
      Buffer.from(data)
        .toString()
        .startsWith(pointer(Number(fileSize)).trimEnd()),
    );
    assert.match(oid, /^[0-9a-f]{40,64}$/);
    assert.equal(Buffer.from(fileOid).toString(), "a".repeat(64));
  }
  return pointers.map(({ fileSize }) => fileSize);
}

test("listLFSPointers lists pointers that revisions reach", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const oids = fixture(served);
    const list = (revisions: string[], limit = 0): Promise<bigint[]> =>
      sizes(client.listLFSPointers({ repository: served.address, revisions, limit }));
    const three = oids.get("three") ?? "";
    assert.deepEqual(await list(["main"]), [1n]);
    assert.deepEqual(await list([three, oids.get("tree") ?? "", "main"]), [3n, 2n, 1n]);
    assert.deepEqual(await list(["main", "--not", "--all"]), []);
    // Git's own filter leaves out blobs that have the size of its limit.
    assert.deepEqual(await list(["--all", "--not", "main"]), [3n, 2n]);
    assert.deepEqual(await list(["topic"], 1), [3n]);
    assert.deepEqual(await list(["topic"], -1), [3n, 2n]);
  }
});

test("listAllLFSPointers lists all pointers that there are", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { address: repository } = served;
    assert.deepEqual(await sizes(client.listAllLFSPointers({ repository })), []);
    fixture(served);
    const all = await sizes(client.listAllLFSPointers({ repository }));
    assert.deepEqual(all.map(String).sort(), ["1", "2", "3", "4"]);
    assert.equal((await sizes(client.listAllLFSPointers({ repository, limit: 2 }))).length, 2);
  }
});

test("getLFSPointers answers the pointers among blobs", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { address: repository } = served;
    const oids = fixture(served);
    const blobIds = [...oids.values()].reverse();
    assert.deepEqual(await sizes(client.getLFSPointers({ repository, blobIds })), [4n, 3n, 2n, 1n]);
    const revisions = ["main:one", "topic", oids.get("two")?.slice(0, 12) ?? ""];
    assert.deepEqual(await sizes(client.getLFSPointers({ repository, blobIds: revisions })), [
      1n,
      2n,
    ]);
    await assert.rejects(sizes(client.getLFSPointers({ repository, blobIds: ["main", "none"] })), {
      kind: "internal",
      message: 'retrieving object info for "none": object not found',
    });
    await assert.rejects(sizes(client.getLFSPointers({ repository, blobIds: ["a\0"] })), {
      kind: "invalid-argument",
      message: "revision must not contain NUL bytes",
    });
  }
});

test("RPCs about pointers fill their replies", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const served = server.repository();
  const one = fixture(served).get("one") ?? "";
  const blobIds = Array.from({ length: 10_000 }, () => one);
  const replies = await collect(client.getLFSPointers({ repository: served.address, blobIds }));
  assert.equal(replies.flatMap(({ lfsPointers }) => lfsPointers).length, 10_000);
  assert.ok(replies.length > 1 && replies.length < 5);
});

async function refuses(client: Client<typeof BlobService>, repository: object): Promise<void> {
  for (const [revisions, message] of [
    [[], "missing revisions"],
    [["-dashed"], "invalid revision: revision can't start with '-'"],
  ] as const) {
    const request = { repository, revisions: [...revisions] };
    const failure = { kind: "invalid-argument", message };
    await assert.rejects(sizes(client.listLFSPointers(request)), failure);
  }
  await assert.rejects(sizes(client.listLFSPointers({ repository, revisions: ["none"] })), {
    kind: "internal",
    message:
      "rev-list pipeline command: exit status 128, stderr: \"fatal: bad revision 'none'\\n\"",
  });
  await assert.rejects(sizes(client.getLFSPointers({ repository })), {
    kind: "invalid-argument",
    message: "empty BlobIds",
  });
}

test("RPCs about pointers refuse bad requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  await refuses(client, server.repository().address);
  const blobIds = ["f00"];
  await assertRepositoryErrors((repository) =>
    client.getLFSPointers({ ...(repository && { repository }), blobIds }),
  );
  await assertRepositoryErrors((repository) =>
    client.listLFSPointers({ ...(repository && { repository }) }),
  );
  await assertRepositoryErrors((repository) =>
    client.listAllLFSPointers({ ...(repository && { repository }) }),
  );
});

test("RPCs about pointers end when the client goes away", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const served = server.repository();
  const one = fixture(served).get("one") ?? "";
  const repository = served.address;
  const blobIds = Array.from({ length: 50_000 }, () => one);
  const gone = new AbortController();
  const replies = client.getLFSPointers({ repository, blobIds }, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
