import { CleanupService } from "../../proto/cleanup_pb.ts";
import { type ServiceRegistration, serve } from "../../rpc/handler.ts";
import { applyBfgObjectMapStream, type ObjectMapNeeds } from "./apply-bfg-object-map-stream.ts";
import { type RewriteNeeds, rewriteHistory } from "./rewrite-history.ts";

export function cleanupService(needs: ObjectMapNeeds & RewriteNeeds): ServiceRegistration {
  return serve(CleanupService, {
    applyBfgObjectMapStream: applyBfgObjectMapStream(needs),
    rewriteHistory: rewriteHistory(needs),
  });
}
