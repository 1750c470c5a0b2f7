import type { ObjectPool } from "../../proto/shared_pb.ts";
import { failedPrecondition, invalidArgument } from "../../rpc/rpc-error.ts";
import { isObjectPoolPath } from "../../storage/locator/object-pool-path.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";

const INVALID_DIRECTORY = "invalid object pool directory";
const INVALID_REPOSITORY = "object pool is not a valid git repository";

/** Where an object pool is, or is to be; refuses paths that no object pool has. */
export function placePool(
  locator: RepositoryLocator,
  pool: ObjectPool | undefined,
): LocatedRepository {
  const located = locator.place(pool?.repository);
  if (!isObjectPoolPath(located.relativePath)) throw invalidArgument(INVALID_DIRECTORY);
  return located;
}

/** As `placePool`, undefined when there is no repository at that place. */
export function lookUpPool(
  locator: RepositoryLocator,
  pool: ObjectPool | undefined,
): LocatedRepository | undefined {
  const located = placePool(locator, pool);
  try {
    return locator.locate(located);
  } catch {
    return undefined;
  }
}

/** As `placePool`, for a pool that has to be there. */
export function findPool(
  locator: RepositoryLocator,
  pool: ObjectPool | undefined,
): LocatedRepository {
  const located = lookUpPool(locator, pool);
  if (located === undefined) throw failedPrecondition(INVALID_REPOSITORY);
  return located;
}
