import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BackupService } from "../../proto/backup_pb.ts";
import { temporaryDirectory } from "../../testing/git-repository.ts";
import { startTestServer } from "../../testing/test-server.ts";

test("writeBackupId leaves a mark by the backup's id", async (t) => {
  const sink = temporaryDirectory(t);
  const backup = {
    goCloudUrl: `file://${sink}`,
    walGoCloudUrl: "",
    walWorkerCount: 1,
    bufferBytes: 0,
  };
  const client = (await startTestServer(t, { backup })).client(BackupService);
  await client.writeBackupID({ storageName: "default", backupId: "abc123" });
  assert.deepEqual(readdirSync(join(sink, "backup_ids")), ["abc123"]);
  const message = "empty backup ID";
  await assert.rejects(client.writeBackupID({}), { kind: "invalid-argument", message });
});

test("writeBackupId needs a place for backups", async (t) => {
  const client = (await startTestServer(t)).client(BackupService);
  const message = "write backup ID: server-side backups are not configured";
  await assert.rejects(client.writeBackupID({}), { kind: "failed-precondition", message });
});

test("writeBackupId refuses object storages that can't be used", async (t) => {
  const backup = { goCloudUrl: "azblob://x", walGoCloudUrl: "", walWorkerCount: 1, bufferBytes: 0 };
  const client = (await startTestServer(t, { backup })).client(BackupService);
  await assert.rejects(client.writeBackupID({ backupId: "a" }), {
    message: /"azblob" is not supp/,
  });
});
