import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobService } from "../../proto/blob_pb.ts";
import { lfsFixture, lfsSizes } from "../../testing/lfs-repository.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("listAllLFSPointers lists all pointers that there are", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const { address: repository } = served;
    assert.deepEqual(await lfsSizes(client.listAllLFSPointers({ repository })), []);
    lfsFixture(served);
    const all = await lfsSizes(client.listAllLFSPointers({ repository }));
    assert.deepEqual(all.map(String).sort(), ["1", "2", "3", "4"]);
    assert.equal((await lfsSizes(client.listAllLFSPointers({ repository, limit: 2 }))).length, 2);
  }
});
