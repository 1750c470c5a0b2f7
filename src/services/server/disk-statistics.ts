import { statfsSync } from "node:fs";
import type { Logger } from "../../base/log/logger.ts";
import type { ServerService } from "../../proto/server_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";

type Needs = { readonly locator: RepositoryLocator; readonly logger: Logger };
type DiskStatistics = Handler<typeof ServerService.method.diskStatistics>;

/** Tells how many bytes of each storage's disk are in use and how many the server may still use. */
export function diskStatistics({ locator, logger }: Needs): DiskStatistics {
  return async () => ({
    storageStatuses: locator.storageNames.map((storageName) => {
      try {
        return { storageName, ...diskSpace(locator.storagePath(storageName)) };
      } catch (error) {
        logger.error("to retrieve shard disk statistics", { storage: storageName, error });
        return { storageName };
      }
    }),
  });
}

function diskSpace(path: string): { available: bigint; used: bigint } {
  const { bavail, bfree, blocks, bsize } = statfsSync(path, { bigint: true });
  return { available: bavail * bsize, used: (blocks - bfree) * bsize };
}
