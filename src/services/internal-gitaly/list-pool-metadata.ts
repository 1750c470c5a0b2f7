import type { InternalGitaly } from "../../proto/internal_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition } from "../../rpc/rpc-error.ts";

type ListPoolMetadata = Handler<typeof InternalGitaly.method.listPoolMetadata>;

/** Refuses to list pools from a database, which this server doesn't have. */
export function listPoolMetadata(): ListPoolMetadata {
  // biome-ignore lint/correctness/useYield: there is never anything to tell
  return async function* () {
    throw failedPrecondition("pool metadata store not configured");
  };
}
