import { open, unlink } from "node:fs/promises";
import { DomainError } from "../../base/error/domain-error.ts";

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
 * the lock. The lock file is empty and readable by its owner only.
 *
 * @throws LockedError
 */
export async function acquireLock(path: string): Promise<HeldLock> {
  const lockPath = `${path}.lock`;
  try {
    await (await open(lockPath, "wx", 0o400)).close();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      throw new LockedError();
    }
    throw error;
  }
  return { [Symbol.asyncDispose]: () => unlink(lockPath) };
}
