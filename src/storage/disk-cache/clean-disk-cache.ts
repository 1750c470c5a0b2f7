import type { Dirent } from "node:fs";
import { lstat, readdir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../../base/error/system-error-text.ts";
import type { DiskCacheMetrics } from "./disk-cache-metrics.ts";

/** How long a file may stay since it was last written. */
const STALE_MS = 60 * 60_000;

/**
 * Removes from a folder for cached answers, or for the state of repositories, the files that nobody
 * has written for an hour, and the folders in which nothing is left. It may go with them.
 */
export async function cleanDiskCache(
  folder: string,
  { nowMs, metrics }: { readonly nowMs: number; readonly metrics: DiskCacheMetrics },
  signal: AbortSignal,
): Promise<void> {
  const clean = async (path: string): Promise<void> => {
    signal.throwIfAborted();
    metrics.checked.inc({});
    for (const entry of await entriesOf(path)) {
      const entryPath = join(path, entry.name);
      if (entry.isDirectory()) await clean(entryPath);
      else await cleanFile(entryPath);
    }
    if ((await entriesOf(path)).length === 0 && (await isThere(rmdir(path)))) {
      metrics.removedFolders.inc({});
      metrics.removed.inc({});
    }
  };
  const cleanFile = async (path: string): Promise<void> => {
    metrics.checked.inc({});
    const writtenMs = (await unlessMissing(lstat(path)))?.mtimeMs ?? nowMs;
    if (nowMs - writtenMs >= STALE_MS && (await isThere(unlink(path)))) metrics.removed.inc({});
  };
  await clean(folder);
}

async function entriesOf(path: string): Promise<Dirent[]> {
  return (await unlessMissing(readdir(path, { withFileTypes: true }))) ?? [];
}

/** Waits for what removes something; false when it had gone, or others had put something into it. */
async function isThere(removal: Promise<void>): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    const isFilled = error instanceof Error && "code" in error && error.code === "ENOTEMPTY";
    if (isFilled || isMissing(error)) return false;
    throw error;
  }
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
