import type { InternalGitaly } from "../../proto/internal_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { type PoolMetadataNeeds, poolMetadataOf } from "./pool-metadata-of.ts";

type ListPoolMetadata = Handler<typeof InternalGitaly.method.listPoolMetadata>;

/** Streams the paths of all pools of a storage that the database knows. */
export function listPoolMetadata(needs: PoolMetadataNeeds): ListPoolMetadata {
  return async function* ({ storageName }) {
    const store = poolMetadataOf(needs);
    for (const poolDiskPath of poolPaths(store, storageName)) yield { poolDiskPath };
  };
}

function poolPaths(store: ReturnType<typeof poolMetadataOf>, storageName: string): string[] {
  try {
    return store.poolPaths(storageName);
  } catch (error) {
    throw wrapError("internal", "list pools", error);
  }
}
