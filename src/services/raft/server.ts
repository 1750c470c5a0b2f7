import { RaftService } from "../../proto/cluster_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import { getClusterInfo } from "./get-cluster-info.ts";
import { getPartitions } from "./get-partitions.ts";
import { joinCluster } from "./join-cluster.ts";
import type { RaftNeeds } from "./raft-message.ts";
import { sendMessage } from "./send-message.ts";
import { sendSnapshot } from "./send-snapshot.ts";

/** The service as a server answers it that is no member of a cluster. */
export function raftService(needs: RaftNeeds): ServiceRegistration {
  return serve(RaftService, {
    getClusterInfo: getClusterInfo(),
    getPartitions: getPartitions(),
    joinCluster: joinCluster(),
    sendMessage: sendMessage(needs),
    sendSnapshot: sendSnapshot(needs),
  });
}
