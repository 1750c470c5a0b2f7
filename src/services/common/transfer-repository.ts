import { DomainError } from "../../base/error/domain-error.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";

/**
 * Finds the repository that a fetch or push is about.
 *
 * The transfer services call whatever is wrong with it an invalid argument unless the locator has
 * said something more specific, such as that it does not exist.
 */
export function locateForTransfer(
  locator: RepositoryLocator,
  address: RepositoryAddress | undefined,
): LocatedRepository {
  try {
    return locator.locate(address);
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== "unknown") throw error;
    throw new RpcError("invalid-argument", error.message, { cause: error });
  }
}
