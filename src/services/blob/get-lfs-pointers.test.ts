import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobService } from "../../proto/blob_pb.ts";
import { lfsFixture, lfsSizes } from "../../testing/lfs-repository.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("getLFSPointers answers the pointers among blobs", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { address: repository } = served;
    const oids = lfsFixture(served);
    const blobIds = [...oids.values()].reverse();
    assert.deepEqual(await lfsSizes(client.getLFSPointers({ repository, blobIds })), [
      4n,
      3n,
      2n,
      1n,
    ]);
    const revisions = ["main:one", "topic", oids.get("two")?.slice(0, 12) ?? ""];
    assert.deepEqual(await lfsSizes(client.getLFSPointers({ repository, blobIds: revisions })), [
      1n,
      2n,
    ]);
    await assert.rejects(
      lfsSizes(client.getLFSPointers({ repository, blobIds: ["main", "none"] })),
      {
        kind: "internal",
        message: 'retrieving object info for "none": object not found',
      },
    );
    await assert.rejects(lfsSizes(client.getLFSPointers({ repository, blobIds: ["a\0"] })), {
      kind: "invalid-argument",
      message: "revision must not contain NUL bytes",
    });
  }
});
