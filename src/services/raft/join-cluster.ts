import type { JoinClusterRequest, RaftService } from "../../proto/cluster_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument } from "../../rpc/rpc-error.ts";

type JoinCluster = Handler<typeof RaftService.method.joinCluster>;

/** Refuses to set up replicas: that takes transactions, which this server doesn't have. */
export function joinCluster(): JoinCluster {
  return async (request) => {
    const missing = missingField(request);
    if (missing !== undefined) {
      throw invalidArgument(`invalid join cluster request: ${missing} is required`);
    }
    // The words of the reference server, which stumbles here without transactions.
    throw internal("panic: runtime error: invalid memory address or nil pointer dereference");
  };
}

function missingField(request: JoinClusterRequest): string | undefined {
  const { partitionKey, memberId, storageName, replicas, leaderId } = request;
  if (partitionKey === undefined) return "partition_key";
  if (memberId === 0n) return "member_id";
  if (storageName === "") return "storage_name";
  if (replicas.length === 0) return "replica";
  return leaderId === 0n ? "leader_id" : undefined;
}
