import { lstatSync } from "node:fs";
import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../../base/error/system-error-text.ts";

/** How long what is in a storage's temporary folder may stay, since it was last changed. */
const GRACE_MS = 7 * 24 * 60 * 60_000;

/** Access for the owner to list, change and enter a directory. */
const OWNER_MODE = 0o700;

/**
 * Removes from a storage's temporary folder what calls have left that never came to their end.
 *
 * @returns how many entries were removed
 */
export async function cleanTemporaryFolder(
  folder: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const name of await namesIn(folder)) {
    signal.throwIfAborted();
    const path = join(folder, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined || nowMs - stats.mtimeMs < GRACE_MS) continue;
    await openDirectories(path);
    await rm(path, { recursive: true, force: true });
    count += 1;
  }
  return count;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Lets the owner into all directories, which archives may have closed to everybody. */
async function openDirectories(path: string): Promise<void> {
  const stats = await lstat(path);
  if (!stats.isDirectory()) return;
  await chmod(path, stats.mode | OWNER_MODE);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await openDirectories(join(path, entry.name));
  }
}
