import type * as proto from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  RepositoryNotFoundError,
  RepositoryNotValidError,
} from "../../storage/locator/locator-errors.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";

type Needs = { readonly locator: RepositoryLocator };
type RepositoryExists = Handler<typeof proto.RepositoryService.method.repositoryExists>;

/**
 * Says whether there is a git repository at the given place.
 *
 * A directory that is no git directory counts as none; a storage that is unknown or a path that
 * leaves it is an error.
 */
export function repositoryExists({ locator }: Needs): RepositoryExists {
  return async ({ repository }) => {
    try {
      locator.locate(repository);
      return { exists: true };
    } catch (error) {
      if (error instanceof RepositoryNotFoundError) return { exists: false };
      if (error instanceof RepositoryNotValidError) return { exists: false };
      throw error;
    }
  };
}
