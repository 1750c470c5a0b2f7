import type { ObjectPoolService } from "../../proto/objectpool_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { removeRepository } from "../../storage/repository/remove-repository.ts";
import type { RepositoryCounter } from "../../storage/repository/repository-counter.ts";
import { lookUpPool } from "./find-pool.ts";

interface Needs {
  readonly locator: RepositoryLocator;
  readonly repositoryCounter: RepositoryCounter;
}

type DeleteObjectPool = Handler<typeof ObjectPoolService.method.deleteObjectPool>;

/** Removes an object pool, whoever may still borrow from it. One that isn't there is no error. */
export function deleteObjectPool({ locator, repositoryCounter }: Needs): DeleteObjectPool {
  return async ({ objectPool }) => {
    const pool = lookUpPool(locator, objectPool);
    if (pool === undefined) return {};
    try {
      await removeRepository(locator, pool);
      repositoryCounter.decrement(pool);
    } catch (error) {
      throw wrapError("unknown", "remove", error);
    }
    return {};
  };
}
