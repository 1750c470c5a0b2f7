import { closeSync, fsync, openSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const sync: (file: number) => Promise<void> = promisify(fsync);

/** Makes the content of a file, or the names in a directory, survive a power cut. */
export async function syncPath(path: string): Promise<void> {
  // What is to be synced was used a moment ago, so opening it doesn't wait for the disk.
  const file = openSync(path, "r");
  try {
    await sync(file);
  } finally {
    closeSync(file);
  }
}

/** Syncs every file and directory below `root`, contents before the directory that names them. */
export async function syncTree(root: string): Promise<void> {
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await syncPath(path);
  }
  await syncPath(root);
}

/**
 * Syncs the directories from the parent of `path` up to `root`, so that a freshly made `path` and
 * whatever directories were made for it are found again after a power cut.
 */
export async function syncParents(root: string, path: string): Promise<void> {
  for (let folder = dirname(path); folder.startsWith(root); folder = dirname(folder)) {
    await syncPath(folder);
    if (folder === root) return;
  }
}
