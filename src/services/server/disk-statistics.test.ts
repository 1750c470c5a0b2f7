import assert from "node:assert/strict";
import { statfsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ServerService } from "../../proto/server_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("diskStatistics tells the space of each storage's disk, nothing of a broken one", async (t) => {
  const path = temporaryDirectory(t);
  const storages = [
    { name: "one", path },
    { name: "missing", path: join(path, "missing") },
  ];
  const client = (await startTestServer(t, { storages })).client(ServerService);
  const { storageStatuses } = await client.diskStatistics({});
  const [one, missing] = storageStatuses;
  const { blocks, bsize } = statfsSync(path, { bigint: true });
  assert.equal(one?.storageName, "one");
  // Both change all the time, but they never are more than the disk.
  assert.ok(one.used > 0n && one.available > 0n);
  assert.ok(one.used + one.available <= blocks * bsize);
  assert.equal(missing?.storageName, "missing");
  assert.equal(missing.available, 0n);
  assert.equal(missing.used, 0n);
  assert.equal(storageStatuses.length, 2);
});
