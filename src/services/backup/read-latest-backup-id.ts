import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { BackupService } from "../../proto/backup_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, internal, notFound } from "../../rpc/rpc-error.ts";
import { readLatestBackupId as read } from "../../storage/backup/backup-ids.ts";
import type { BackupIdNeeds } from "./write-backup-id.ts";

type ReadLatestBackupId = Handler<typeof BackupService.method.readLatestBackupID>;

/** Tells which backup of all repositories was completed last. */
export function readLatestBackupId({ backupSink }: BackupIdNeeds): ReadLatestBackupId {
  return async (_request, { signal }) => {
    if (backupSink === undefined) {
      throw failedPrecondition("read latest backup ID: server-side backups are not configured");
    }
    const backupId = await read(backupSink, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      const doing = "read latest backup id: find latest backup ID";
      throw internal(`${doing}: ${systemErrorText(error)}`, { cause: error });
    });
    if (backupId === undefined) throw notFound("no backup id markers found: doesn't exist");
    return { backupId };
  };
}
