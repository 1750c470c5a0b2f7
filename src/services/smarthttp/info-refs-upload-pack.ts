import type { SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import type { EncodingHandler } from "../../rpc/handler.ts";
import { type InfoRefsNeeds, infoRefs } from "./info-refs.ts";

type InfoRefsUploadPack = EncodingHandler<typeof SmartHTTPService.method.infoRefsUploadPack>;

/**
 * Advertises the references to a client that wants to fetch: the body of
 * `GET /info/refs?service=git-upload-pack`.
 */
export function infoRefsUploadPack(needs: InfoRefsNeeds): InfoRefsUploadPack {
  return infoRefs(needs, "upload-pack");
}
