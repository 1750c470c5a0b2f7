import type {
  RepositoryAddress,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "./locate-repository.ts";
import type { RepositoryReader, RepositoryReaders } from "./repository-readers.ts";

/** What is needed to read the repository that a request is about. */
export interface ReadNeeds {
  readonly locator: RepositoryLocator;
  readonly repositories: RepositoryReaders;
}

/** Finds a request's repository, see `locateRepository`, and opens it for reading. */
export function openRepository(
  { locator, repositories }: ReadNeeds,
  address: RepositoryAddress | undefined,
): RepositoryReader {
  return repositories.open(locateRepository(locator, address));
}
