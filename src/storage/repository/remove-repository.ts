import { lstatSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { LockedError } from "../file/lock-file.ts";
import { syncPath } from "../file/sync.ts";
import type { LocatedRepository, RepositoryLocator } from "../locator/repository-locator.ts";
import { DIRECTORY_MODE, lockRepository } from "./create-repository.ts";

/** There is no repository to be removed, or no longer. */
export class NothingToRemoveError extends DomainError {
  constructor(message: string) {
    super("not-found", message);
  }
}

/** Another call is just creating or removing the same repository. */
export class RepositoryLockedError extends DomainError {
  constructor(options: { cause: unknown }) {
    super("failed-precondition", "repository is already locked", options);
  }
}

/**
 * Removes a repository so that it is gone at once: it is moved aside, then deleted.
 *
 * @throws NothingToRemoveError, RepositoryLockedError
 */
export async function removeRepository(
  locator: RepositoryLocator,
  repository: LocatedRepository,
): Promise<void> {
  const { path } = repository;
  const folder = locator.temporaryFolder(repository.storageName);
  await mkdir(folder, { recursive: true, mode: DIRECTORY_MODE });
  refuseMissing(path, "repository does not exist");
  const aside = await moveAside(repository, folder);
  await rm(aside, { recursive: true, force: true });
}

async function moveAside(repository: LocatedRepository, folder: string): Promise<string> {
  const { path } = repository;
  try {
    await using _lock = await lockRepository(repository);
    refuseMissing(path, "repository was concurrently removed");
    const aside = await mkdtemp(join(folder, `${basename(path)}+removed-`));
    await rename(path, join(aside, "repo"));
    await syncPath(dirname(path));
    return aside;
  } catch (error) {
    throw error instanceof LockedError ? new RepositoryLockedError({ cause: error }) : error;
  }
}

function refuseMissing(path: string, message: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new NothingToRemoveError(message);
  }
}
