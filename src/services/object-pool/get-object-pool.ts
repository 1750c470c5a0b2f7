import { dirname, relative } from "node:path";
import type { Logger } from "../../base/log/logger.ts";
import type { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { isObjectPoolPath } from "../../storage/locator/object-pool-path.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { readAlternatesInfo } from "../../storage/repository-info/alternates-info.ts";
import { locateRepository } from "../common/locate-repository.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly logger: Logger;
}

type GetObjectPool = Handler<typeof ObjectPoolService.method.getObjectPool>;

/** Names the object pool that a repository borrows from, if it is a valid one. */
export function getObjectPool({ locator, logger }: Needs): GetObjectPool {
  return async (request) => {
    const located = locateRepository(locator, request.repository);
    const objects = poolObjects(located, logger);
    if (objects === undefined) return {};
    const { storageName, storagePath } = located;
    const relativePath = dirname(relative(storagePath, objects));
    const repository = { storageName, relativePath };
    if (isPool(locator, repository)) return { objectPool: { repository } };
    warn(logger, located, "object pool is not a valid git repository");
    return {};
  };
}

/** The first object directory that is borrowed from, as an absolute path. */
function poolObjects(located: LocatedRepository, logger: Logger): string | undefined {
  try {
    return readAlternatesInfo(located.path)?.absolutePaths[0];
  } catch (error) {
    warn(logger, located, error);
    return undefined;
  }
}

function isPool(
  locator: RepositoryLocator,
  address: { readonly storageName: string; readonly relativePath: string },
): boolean {
  if (!isObjectPoolPath(address.relativePath)) return false;
  try {
    locator.locate(address);
    return true;
  } catch {
    return false;
  }
}

function warn(
  logger: Logger,
  { storageName, relativePath }: LocatedRepository,
  error: unknown,
): void {
  logger.warn("alternates file does not point to valid git repository", {
    error,
    storage: storageName,
    relative_path: relativePath,
  });
}
