import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobService } from "../../proto/blob_pb.ts";
import type { Client } from "../../rpc/client/client.ts";
import { lfsFixture, lfsSizes } from "../../testing/lfs-repository.ts";
import { assertRepositoryErrors, collect } from "../../testing/repository-errors.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("RPCs about pointers fill their replies", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  const served = server.repository();
  const one = lfsFixture(served).get("one") ?? "";
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
    await assert.rejects(lfsSizes(client.listLFSPointers(request)), failure);
  }
  await assert.rejects(lfsSizes(client.listLFSPointers({ repository, revisions: ["none"] })), {
    kind: "internal",
    message:
      "rev-list pipeline command: exit status 128, stderr: \"fatal: bad revision 'none'\\n\"",
  });
  await assert.rejects(lfsSizes(client.getLFSPointers({ repository })), {
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
  const one = lfsFixture(served).get("one") ?? "";
  const repository = served.address;
  const blobIds = Array.from({ length: 50_000 }, () => one);
  const gone = new AbortController();
  const replies = client.getLFSPointers({ repository, blobIds }, { signal: gone.signal });
  await replies.next();
  gone.abort();
  await assert.rejects(collect(replies), { kind: "cancelled" });
});
