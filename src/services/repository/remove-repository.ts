import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { removeRepository as remove } from "../../storage/repository/remove-repository.ts";
import { locateRepository } from "../common/locate-repository.ts";

type Needs = { readonly locator: RepositoryLocator };
type RemoveRepository = Handler<typeof RepositoryService.method.removeRepository>;

/** Removes a repository with everything in it; it is gone for other calls at once. */
export function removeRepository({ locator }: Needs): RemoveRepository {
  return async ({ repository }) => {
    await remove(locator, locateRepository(locator, repository));
    return {};
  };
}
