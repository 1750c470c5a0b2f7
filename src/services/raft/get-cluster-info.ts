import type { RaftService } from "../../proto/cluster_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { notRaftEnabled } from "./raft-message.ts";

type GetClusterInfo = Handler<typeof RaftService.method.getClusterInfo>;

/** Refuses to sum up a cluster that this server is no member of. */
export function getClusterInfo(): GetClusterInfo {
  return async () => {
    throw notRaftEnabled();
  };
}
