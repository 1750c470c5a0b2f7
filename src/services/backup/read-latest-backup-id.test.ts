import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BackupService } from "../../proto/backup_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("readLatestBackupId names the backup that was completed last", async (t) => {
  const goCloudUrl = temporaryDirectory(t);
  const backup = { goCloudUrl, walGoCloudUrl: "", walWorkerCount: 1, bufferBytes: 0 };
  const client = (await startTestServer(t, { backup })).client(BackupService);
  const message = "no backup id markers found: doesn't exist";
  await assert.rejects(client.readLatestBackupID({}), { kind: "not-found", message });
  for (const [age, backupId] of ["before", "first", "second"].entries()) {
    await client.writeBackupID({ backupId });
    // Files written one after the other may have the same time.
    const seconds = Date.now() / 1000 - 60 * age;
    utimesSync(join(goCloudUrl, "backup_ids", backupId), seconds, seconds);
  }
  assert.equal((await client.readLatestBackupID({})).backupId, "before");
});

test("readLatestBackupId needs a place with backups", async (t) => {
  const client = (await startTestServer(t)).client(BackupService);
  const message = "read latest backup ID: server-side backups are not configured";
  await assert.rejects(client.readLatestBackupID({}), { kind: "failed-precondition", message });
});
