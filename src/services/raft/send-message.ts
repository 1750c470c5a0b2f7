import type { RaftService } from "../../proto/cluster_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { checkRaftMessage, notRaftEnabled, type RaftNeeds } from "./raft-message.ts";

type SendMessage = Handler<typeof RaftService.method.sendMessage>;

/** Refuses messages between replicas, of which this server has none. */
export function sendMessage(needs: RaftNeeds): SendMessage {
  return async (requests) => {
    for await (const request of requests) {
      checkRaftMessage(request, needs);
      throw notRaftEnabled();
    }
    return {};
  };
}
