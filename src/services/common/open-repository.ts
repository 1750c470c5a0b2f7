import { join } from "node:path";
import type { GitRepository } from "../../git/repository/git-repository.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { Call } from "../../rpc/call.ts";
import type {
  LocatedRepository,
  RepositoryAddress,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "./locate-repository.ts";

/** What is needed to read the repository that a request is about. */
export interface ReadNeeds {
  readonly locator: RepositoryLocator;
  readonly repositories: RepositoryCache;
}

/** A repository in the hands of a call: as it is read, and where it is for git processes. */
export interface OpenedRepository {
  readonly located: LocatedRepository;
  readonly objects: GitRepository["objects"];
  readonly refs: GitRepository["refs"];
  readonly history: GitRepository["history"];
  readonly config: GitRepository["config"];
  readonly shelves: GitRepository["shelves"];
  readonly attributes: GitRepository["attributes"];
}

/** Finds a request's repository, see `locateRepository`, and opens it for reading. */
export function openRepository(
  needs: ReadNeeds,
  address: RepositoryAddress | undefined,
  call: Call,
): OpenedRepository {
  return openLocated(needs, locateRepository(needs.locator, address), call);
}

/**
 * Opens a repository for reading, until the call ends. Answers are as fresh as those of a git
 * process started now; in a quarantine its objects are there as well.
 */
export function openLocated(
  { repositories }: Pick<ReadNeeds, "repositories">,
  located: LocatedRepository,
  call: Call,
): OpenedRepository {
  const { path, alternateObjectDirectories: alternates = [] } = located;
  if (located.objectDirectory === undefined && alternates.length === 0) {
    return { located, ...partsOf(repositories.open(path)) };
  }
  const { objectDirectory = join(path, "objects") } = located;
  const quarantined = repositories.openQuarantine(path, { objectDirectory, alternates });
  call.atEnd(() => quarantined.close());
  return { located, ...partsOf(quarantined) };
}

function partsOf(repository: GitRepository): Omit<OpenedRepository, "located"> {
  const { objects, refs, history, config, shelves, attributes } = repository;
  return { objects, refs, history, config, shelves, attributes };
}
