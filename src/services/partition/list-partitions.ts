import type { PartitionService } from "../../proto/partition_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal } from "../../rpc/rpc-error.ts";

type ListPartitions = Handler<typeof PartitionService.method.listPartitions>;

/** Refuses to list partitions, which only transactions have. */
export function listPartitions(): ListPartitions {
  return async () => {
    throw internal("transactions not enabled");
  };
}
