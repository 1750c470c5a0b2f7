import { failedPrecondition } from "../../rpc/rpc-error.ts";
import type { PoolMetadataStore } from "../../storage/pool-metadata/pool-metadata-store.ts";

export interface PoolMetadataNeeds {
  /** Undefined when the configuration names no database. */
  readonly poolMetadata: PoolMetadataStore | undefined;
}

/** The database of pools, or an error that there is none. */
export function poolMetadataOf({ poolMetadata }: PoolMetadataNeeds): PoolMetadataStore {
  if (poolMetadata !== undefined) return poolMetadata;
  throw failedPrecondition("pool metadata store not configured");
}
