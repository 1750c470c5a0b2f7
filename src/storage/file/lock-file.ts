import { closeSync, openSync } from "node:fs";
import { unlink } from "node:fs/promises";
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
  const isMade = makeLock(lockPath) || (removeAbandonedLock(lockPath) && makeLock(lockPath));
  if (!isMade) throw new LockedError();
  return { [Symbol.asyncDispose]: () => unlink(lockPath) };
}

/** False when it is there already. */
function makeLock(path: string): boolean {
  try {
    const file = openSync(path, "wx", 0o400);
    stampLock(file);
    closeSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
