import { existsSync, lstatSync, mkdirSync, mkdtempSync, renameSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { acquireLock, type HeldLock, LockedError } from "../file/lock-file.ts";
import { syncParents, syncTree } from "../file/sync.ts";
import type { LocatedRepository, RepositoryLocator } from "../locator/repository-locator.ts";
import { stampFullRepack } from "./full-repack-stamp.ts";

/** There is something at the place where a repository was to be made. */
export class RepositoryExistsError extends DomainError {
  constructor() {
    super("already-exists", "repository exists already");
  }
}

/** Directories below a storage are the server's own business. */
export const DIRECTORY_MODE = 0o700;

/** Another call is just creating or removing a repository at the same place. */
export class CreationLockedError extends DomainError {
  constructor(cause: LockedError) {
    super("unknown", `locking repository: ${cause.message}`, { cause });
  }
}

/** Others who have to agree before a repository appears. */
export interface CreationConsent {
  /** Asks them, with the place locked; throws when they don't agree. */
  prepare(): Promise<void>;
  /** Tells them that the repository is there. */
  commit(): Promise<void>;
}

/**
 * Makes a repository that is either there as a whole or not at all, also after a crash.
 *
 * `build` fills a temporary directory of the same storage and tells who else has to agree; the
 * result is synced and moved into place under a lock. When that or anything before it fails nothing
 * is left.
 *
 * @throws RepositoryExistsError, CreationLockedError, and whatever `build` throws
 */
export async function createRepository(
  locator: RepositoryLocator,
  target: LocatedRepository,
  build: (repository: LocatedRepository) => Promise<CreationConsent | undefined>,
): Promise<void> {
  refuseExisting(target);
  const folder = locator.temporaryFolder(target.storageName);
  mkdirSync(folder, { recursive: true, mode: DIRECTORY_MODE });
  const path = mkdtempSync(join(folder, "repo"));
  try {
    const relativePath = relative(target.storagePath, path);
    const consent = await build({ ...target, path, relativePath });
    // A fresh repository is as packed as can be: housekeeping need not repack it right away.
    stampFullRepack(path);
    await syncTree(path);
    await using _lock = await lockPlace(target);
    refuseExisting(target);
    await consent?.prepare();
    renameSync(path, target.path);
    await syncParents(target.storagePath, target.path);
    await consent?.commit();
  } finally {
    if (existsSync(path)) await rm(path, { recursive: true, force: true });
  }
}

/** Keeps others from creating or removing the repository at the same place. Throws LockedError. */
export async function lockRepository({ path }: LocatedRepository): Promise<HeldLock> {
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  return acquireLock(path);
}

async function lockPlace(target: LocatedRepository): Promise<HeldLock> {
  try {
    return await lockRepository(target);
  } catch (error) {
    throw error instanceof LockedError ? new CreationLockedError(error) : error;
  }
}

function refuseExisting({ path }: LocatedRepository): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw new RepositoryExistsError();
}
