import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { BackupService } from "../../proto/backup_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, internal, invalidArgument } from "../../rpc/rpc-error.ts";
import { writeBackupId as write } from "../../storage/backup/backup-ids.ts";
import type { BackupSink } from "../../storage/backup/backup-sink.ts";

export interface BackupIdNeeds {
  /** Undefined when the configuration doesn't say where backups go. */
  readonly backupSink: BackupSink | undefined;
}

type WriteBackupId = Handler<typeof BackupService.method.writeBackupID>;

/** Notes that a backup of all repositories is complete. */
export function writeBackupId({ backupSink }: BackupIdNeeds): WriteBackupId {
  return async ({ backupId }, { signal }) => {
    if (backupSink === undefined) {
      throw failedPrecondition("write backup ID: server-side backups are not configured");
    }
    if (backupId === "") throw invalidArgument("empty backup ID");
    try {
      await write(backupSink, backupId, signal);
    } catch (error) {
      signal.throwIfAborted();
      const doing = "write backup id: write backup marker";
      throw internal(`${doing}: ${systemErrorText(error)}`, { cause: error });
    }
    return {};
  };
}
