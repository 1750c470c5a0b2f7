import { BackupService } from "../../proto/backup_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import { readLatestBackupId } from "./read-latest-backup-id.ts";
import { type BackupIdNeeds, writeBackupId } from "./write-backup-id.ts";

export function backupService(needs: BackupIdNeeds): ServiceRegistration {
  return serve(BackupService, {
    readLatestBackupID: readLatestBackupId(needs),
    writeBackupID: writeBackupId(needs),
  });
}
