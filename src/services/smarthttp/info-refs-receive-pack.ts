import type { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { type InfoRefsNeeds, infoRefs } from "./info-refs.ts";

type InfoRefsReceivePack = EncodingHandler<typeof SmartHTTPService.method.infoRefsReceivePack>;

/**
 * Advertises the references to a client that wants to push: the body of
 * `GET /info/refs?service=git-receive-pack`.
 */
export function infoRefsReceivePack(needs: InfoRefsNeeds): InfoRefsReceivePack {
  return infoRefs(needs, "receive-pack");
}
