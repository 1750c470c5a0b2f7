import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobService } from "../../proto/blob_pb.ts";
import { lfsFixture, lfsSizes } from "../../testing/lfs-repository.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("listLFSPointers lists pointers that revisions reach", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(BlobService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    const oids = lfsFixture(served);
    const list = (revisions: string[], limit = 0): Promise<bigint[]> =>
      lfsSizes(client.listLFSPointers({ repository: served.address, revisions, limit }));
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
