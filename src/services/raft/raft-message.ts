import { quoteText } from "../../base/text/quote-text.ts";
import type { RaftMessageRequest } from "../../proto/cluster_pb.ts";
import { internal, invalidArgument, permissionDenied, type RpcError } from "../../rpc/rpc-error.ts";

/** Which cluster the server belongs to; empty for none. */
export interface RaftNeeds {
  readonly raftClusterId: string;
}

/** Refuses messages of another cluster, and those that name no partition. */
export function checkRaftMessage(
  message: RaftMessageRequest | undefined,
  { raftClusterId }: RaftNeeds,
): void {
  const clusterId = message?.clusterId ?? "";
  if (clusterId === "") throw invalidArgument("cluster_id is required");
  if (clusterId !== raftClusterId) {
    const [got, want] = [clusterId, raftClusterId].map(quoteText);
    throw permissionDenied(`message from wrong cluster: got ${got}, want ${want}`);
  }
  const key = message?.replicaId?.partitionKey?.value ?? "";
  if (key === "") throw invalidArgument("partition_key cannot be empty");
}

/** This server is no member of any cluster. */
export function notRaftEnabled(): RpcError {
  return internal("node is not Raft-enabled");
}
