import { statSync } from "node:fs";
import { posix } from "node:path";
import { quoteText } from "../../base/text/quote-text.ts";
import type { InternalGitaly } from "../../proto/internal_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { readAlternatesInfo } from "../../storage/repository-info/alternates-info.ts";
import { type WalkedRepository, walkRepositories } from "../../storage/walk/walk-repositories.ts";

type Needs = { readonly locator: RepositoryLocator };
type ScanPoolMetadata = Handler<typeof InternalGitaly.method.scanPoolMetadata>;

/**
 * Streams which repositories of a storage borrow objects from which pool. Pools that are gone or
 * damaged are passed over.
 */
export function scanPoolMetadata({ locator }: Needs): ScanPoolMetadata {
  return async function* ({ storageName }, { signal }) {
    const storagePath = pathOfStorage(locator, storageName);
    for await (const repository of walkRepositories(locator, storageName, signal)) {
      const { relativePath } = repository;
      const poolPath = findPool(repository);
      if (poolPath === undefined || !isGitDirectory(poolPath)) continue;
      yield { relativePath, poolDiskPath: posix.relative(storagePath, poolPath) };
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

function isGitDirectory(path: string): boolean {
  return ["", "objects", "refs", "HEAD"].every(
    (entry) => statSync(posix.join(path, entry), { throwIfNoEntry: false }) !== undefined,
  );
}
