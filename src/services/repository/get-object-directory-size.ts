import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { findObjectDirectory } from "../../storage/locator/object-directory.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { measureKibibytes } from "./measure-kibibytes.ts";

type Needs = { readonly locator: RepositoryLocator };
type GetObjectDirectorySize = Handler<typeof RepositoryService.method.getObjectDirectorySize>;

/**
 * Says how many KiB the files of the request's object directory have.
 *
 * GitLab asks this while it checks a push, about the quarantine that holds the pushed objects.
 */
export function getObjectDirectorySize({ locator }: Needs): GetObjectDirectorySize {
  return async ({ repository: address }, { signal }) => {
    // The locator's own check of the directory is less strict and has another message.
    const repository = locateRepository(locator, address && { ...address, ...NO_QUARANTINE });
    const path = findObjectDirectory(locator, repository, address?.gitObjectDirectory ?? "");
    return { size: await measureKibibytes(path, signal) };
  };
}

const NO_QUARANTINE = { gitObjectDirectory: "", gitAlternateObjectDirectories: [] };
