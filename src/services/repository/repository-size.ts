import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { measureKibibytes } from "./measure-kibibytes.ts";

type Needs = { readonly locator: RepositoryLocator };
type RepositorySize = Handler<typeof RepositoryService.method.repositorySize>;

/** Says how many KiB the files of a repository have, without those of its object pool. */
export function repositorySize({ locator }: Needs): RepositorySize {
  return async ({ repository }, { signal }) => {
    const { path } = locateRepository(locator, repository);
    return { size: await measureKibibytes(path, signal) };
  };
}
