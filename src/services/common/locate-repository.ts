import { DomainError } from "../../base/error/domain-error.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";

/**
 * Finds the repository that a request is about.
 *
 * Whatever is wrong with it is an invalid argument, unless the locator has said something more
 * specific, such as that it does not exist.
 */
export function locateRepository(
  locator: RepositoryLocator,
  address: RepositoryAddress | undefined,
): LocatedRepository {
  return refused(() => locator.locate(address));
}

/** Like `locateRepository`, for a place where there need not be a repository yet. */
export function placeRepository(
  locator: RepositoryLocator,
  address: RepositoryAddress | undefined,
): LocatedRepository {
  return refused(() => locator.place(address));
}

function refused(find: () => LocatedRepository): LocatedRepository {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== "unknown") throw error;
    throw new RpcError("invalid-argument", error.message, { cause: error });
  }
}
