import type { InternalGitaly } from "../../proto/internal_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition } from "../../rpc/rpc-error.ts";

type StorePoolMetadata = Handler<typeof InternalGitaly.method.storePoolMetadata>;

/** Refuses to store pools in a database, which this server doesn't have. */
export function storePoolMetadata(): StorePoolMetadata {
  return async () => {
    throw failedPrecondition("pool metadata store not configured");
  };
}
