import type { RaftService } from "../../proto/cluster_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { notRaftEnabled } from "./raft-message.ts";

type GetPartitions = Handler<typeof RaftService.method.getPartitions>;

/** Refuses to tell partitions of a cluster that this server is no member of. */
export function getPartitions(): GetPartitions {
  // biome-ignore lint/correctness/useYield: there is never anything to tell
  return async function* () {
    throw notRaftEnabled();
  };
}
