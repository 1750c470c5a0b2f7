import { statSync } from "node:fs";
import { posix } from "node:path";
import type { Logger } from "../../base/log/logger.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { InternalGitaly } from "../../proto/internal_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { readAlternatesInfo } from "../../storage/repository-info/alternates-info.ts";
import { type WalkedRepository, walkRepositories } from "../../storage/walk/walk-repositories.ts";
import type { PoolMetadataNeeds } from "./pool-metadata-of.ts";

interface Needs extends PoolMetadataNeeds {
  readonly locator: RepositoryLocator;
  readonly logger: Logger;
}
type ScanPoolMetadata = Handler<typeof InternalGitaly.method.scanPoolMetadata>;

/**
 * Streams which repositories of a storage borrow objects from which pool. Pools that are gone or
 * damaged are passed over; the database, if there is one, notes who borrows from them.
 */
export function scanPoolMetadata(needs: Needs): ScanPoolMetadata {
  const { locator } = needs;
  return async function* ({ storageName }, { signal }) {
    const storagePath = pathOfStorage(locator, storageName);
    for await (const repository of walkRepositories(locator, storageName, signal)) {
      const { relativePath } = repository;
      const poolPath = findPool(repository);
      if (poolPath === undefined) continue;
      const poolDiskPath = posix.relative(storagePath, poolPath);
      if (isGitDirectory(poolPath)) yield { relativePath, poolDiskPath };
      else recordBroken(needs, storageName, relativePath, poolDiskPath);
    }
  };
}

function pathOfStorage(locator: RepositoryLocator, storageName: string): string {
  try {
    return locator.storagePath(storageName);
  } catch (error) {
    throw wrapError("invalid-argument", "get storage", error);
  }
}

function findPool({ path, relativePath }: WalkedRepository): string | undefined {
  try {
    const [objects] = readAlternatesInfo(path)?.absolutePaths ?? [];
    // What is before the last slash.
    return objects?.replace(/[^/]*$/, "");
  } catch (error) {
    throw wrapError("internal", `read alternates for ${quoteText(relativePath)}`, error);
  }
}

/** The scan goes on when this fails. */
function recordBroken(
  { poolMetadata, logger }: Needs,
  storage: string,
  member: string,
  pool: string,
): void {
  try {
    poolMetadata?.recordBrokenPool(storage, member, pool);
  } catch (error) {
    logger.warn("failed to record broken pool", { error, storage, pool_member: member, pool });
  }
}

function isGitDirectory(path: string): boolean {
  return ["", "objects", "refs", "HEAD"].every(
    (entry) => statSync(posix.join(path, entry), { throwIfNoEntry: false }) !== undefined,
  );
}
