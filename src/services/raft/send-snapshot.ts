import type { RaftService } from "../../proto/cluster_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal } from "../../rpc/rpc-error.ts";
import { checkRaftMessage, notRaftEnabled, type RaftNeeds } from "./raft-message.ts";

type SendSnapshot = Handler<typeof RaftService.method.sendSnapshot>;

/** Refuses states of partitions for replicas, of which this server has none. */
export function sendSnapshot(needs: RaftNeeds): SendSnapshot {
  return async (requests) => {
    for await (const { raftSnapshotPayload: payload } of requests) {
      checkRaftMessage(payload.case === "raftMsg" ? payload.value : undefined, needs);
      throw notRaftEnabled();
    }
    throw internal("receive error: EOF");
  };
}
