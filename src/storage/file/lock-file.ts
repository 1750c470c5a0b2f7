import { open, unlink } from "node:fs/promises";
import { DomainError } from "../../base/error/domain-error.ts";
import { removeAbandonedLock, stampLock } from "./lock-owner.ts";

/** Somebody else holds the lock. */
export class LockedError extends DomainError {
  constructor() {
    super("unknown", "file already locked");
  }
}

/** A lock that is held until it is disposed of. */
export type HeldLock = AsyncDisposable;

/**
 * Locks `path` against everybody who follows git's convention: whoever creates `path.lock` holds
 * the lock. The lock file is empty and readable by its owner only. The lock of one of our processes
 * that was killed is taken over.
 *
 * @throws LockedError
 */
export async function acquireLock(path: string): Promise<HeldLock> {
  const lockPath = `${path}.lock`;
  const isMade =
    (await makeLock(lockPath)) || (removeAbandonedLock(lockPath) && (await makeLock(lockPath)));
  if (!isMade) throw new LockedError();
  return { [Symbol.asyncDispose]: () => unlink(lockPath) };
}

/** False when it is there already. */
async function makeLock(path: string): Promise<boolean> {
  try {
    await using file = await open(path, "wx", 0o400);
    stampLock(file.fd);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
