import type { InternalGitaly, StorePoolMetadataRequest } from "../../proto/internal_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { PoolMembers } from "../../storage/pool-metadata/pool-metadata-store.ts";
import { type PoolMetadataNeeds, poolMetadataOf } from "./pool-metadata-of.ts";

type StorePoolMetadata = Handler<typeof InternalGitaly.method.storePoolMetadata>;

/** Stores which repositories of a storage borrow from which pool, instead of what was known. */
export function storePoolMetadata(needs: PoolMetadataNeeds): StorePoolMetadata {
  return async (requests) => {
    const store = poolMetadataOf(needs);
    const { storageName, pools } = await receivePools(requests);
    if (pools.size === 0) return {};
    try {
      store.replaceStorage(storageName, pools, new Date());
    } catch (error) {
      throw wrapError("internal", "store pool data", error);
    }
    return {};
  };
}

interface StoredPools {
  readonly storageName: string;
  readonly pools: ReadonlyMap<string, PoolMembers>;
}

async function receivePools(
  requests: AsyncIterable<StorePoolMetadataRequest>,
): Promise<StoredPools> {
  const pools = new Map<string, { members: string[]; upstream: string | undefined }>();
  let storageName = "";
  for await (const request of requests) {
    if (storageName === "") storageName = request.storageName;
    if (storageName === "") throw invalidArgument("storage_name is required");
    const { relativePath, poolDiskPath, isUpstream } = request;
    const pool = pools.get(poolDiskPath) ?? { members: [], upstream: undefined };
    pools.set(poolDiskPath, pool);
    pool.members.push(relativePath);
    if (isUpstream) pool.upstream = relativePath;
  }
  return { storageName, pools };
}
