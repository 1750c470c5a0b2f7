import type { PartitionService } from "../../proto/partition_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, internal } from "../../rpc/rpc-error.ts";

/** Whether the configuration says where backups go. */
export type BackupNeeds = { readonly hasBackups: boolean };
type BackupPartition = Handler<typeof PartitionService.method.backupPartition>;

/** Refuses to back up a partition, which only transactions have. */
export function backupPartition({ hasBackups }: BackupNeeds): BackupPartition {
  return async () => {
    if (!hasBackups) {
      throw failedPrecondition("backup partition: server-side backups are not configured");
    }
    throw internal("backup partition: transaction not initialized");
  };
}
