import { lstatSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { acquireLock, type HeldLock } from "../file/lock-file.ts";
import { syncParents, syncTree } from "../file/sync.ts";
import type { LocatedRepository, RepositoryLocator } from "../locator/repository-locator.ts";

/** There is something at the place where a repository was to be made. */
export class RepositoryExistsError extends DomainError {
  constructor() {
    super("already-exists", "repository exists already");
  }
}

/** Directories below a storage are the server's own business. */
export const DIRECTORY_MODE = 0o700;

/** Its time of modification tells housekeeping when everything was last packed into one pack. */
const FULL_REPACK_FILE = ".gitaly-full-repack-timestamp";

/**
 * Makes a repository that is either there as a whole or not at all, also after a crash.
 *
 * `build` fills a temporary directory of the same storage; the result is synced and moved into
 * place under a lock. When `build` fails nothing is left.
 *
 * @throws RepositoryExistsError, and LockedError when another call is just making the same one
 */
export async function createRepository(
  locator: RepositoryLocator,
  target: LocatedRepository,
  build: (repository: LocatedRepository) => Promise<void>,
): Promise<void> {
  refuseExisting(target);
  const folder = locator.temporaryFolder(target.storageName);
  await mkdir(folder, { recursive: true, mode: DIRECTORY_MODE });
  const path = await mkdtemp(join(folder, "repo"));
  try {
    await build({ ...target, path, relativePath: relative(target.storagePath, path) });
    await stampFullRepack(path);
    await syncTree(path);
    await using _lock = await lockRepository(target);
    refuseExisting(target);
    await rename(path, target.path);
    await syncParents(target.storagePath, target.path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

/** Keeps others from creating or removing the repository at the same place. Throws LockedError. */
export async function lockRepository({ path }: LocatedRepository): Promise<HeldLock> {
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  return acquireLock(path);
}

function refuseExisting({ path }: LocatedRepository): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw new RepositoryExistsError();
}

/** A fresh repository is as packed as can be: housekeeping need not repack it right away. */
async function stampFullRepack(path: string): Promise<void> {
  const stamp = join(path, FULL_REPACK_FILE);
  await writeFile(stamp, "", { mode: 0o600 });
  const now = new Date();
  await utimes(stamp, now, now);
}
