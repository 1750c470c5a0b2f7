import { PartitionService } from "../../proto/partition_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import { type BackupNeeds, backupPartition } from "./backup-partition.ts";
import { listPartitions } from "./list-partitions.ts";

/** The service as a server answers it that has no transactions. */
export function partitionService(needs: BackupNeeds): ServiceRegistration {
  return serve(PartitionService, {
    backupPartition: backupPartition(needs),
    listPartitions: listPartitions(),
  });
}
