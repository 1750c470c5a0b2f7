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

/** Where others are asked or told: before the lock, under it, and when the repository is gone. */
export type RemovalStep = "lock" | "remove" | "removed";

/**
 * Removes a repository so that it is gone at once: it is moved aside, then deleted.
 *
 * `consent` may refuse the first two steps by an error; the repository stays then.
 *
 * @throws NothingToRemoveError, RepositoryLockedError, and whatever `consent` throws
 */
export async function removeRepository(
  locator: RepositoryLocator,
  repository: LocatedRepository,
  consent: (step: RemovalStep) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { path } = repository;
  const folder = locator.temporaryFolder(repository.storageName);
  await mkdir(folder, { recursive: true, mode: DIRECTORY_MODE });
  refuseMissing(path, "repository does not exist");
  await consent("lock");
  const aside = await moveAside(repository, folder, consent);
  try {
    await consent("removed");
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function moveAside(
  repository: LocatedRepository,
  folder: string,
  consent: (step: RemovalStep) => Promise<void>,
): Promise<string> {
  const { path } = repository;
  try {
    await using _lock = await lockRepository(repository);
    refuseMissing(path, "repository was concurrently removed");
    await consent("remove");
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
