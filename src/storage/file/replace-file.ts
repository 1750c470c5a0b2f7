import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { acquireLock } from "./lock-file.ts";
import { syncPath } from "./sync.ts";

export interface ReplaceFileOptions {
  readonly mode: number;
  /** Asks others whether they write the same, with the file locked; throws when they don't. */
  readonly prepare?: () => Promise<void>;
  /** Tells them that it is done. */
  readonly commit?: () => Promise<void>;
}

/**
 * As `writeFileAtomically`, for a file that others may be about to change: under git's lock.
 *
 * @throws LockedError
 */
export async function replaceFile(
  path: string,
  content: Uint8Array,
  { mode, prepare, commit }: ReplaceFileOptions,
): Promise<void> {
  const temporary = `${path}${randomBytes(8).toString("hex")}`;
  try {
    await using file = await open(temporary, "wx", mode);
    await file.writeFile(content);
    await file.sync();
    await using _lock = await acquireLock(path);
    await prepare?.();
    await rename(temporary, path);
    await syncPath(dirname(path));
    await commit?.();
  } finally {
    await rm(temporary, { force: true });
  }
}
