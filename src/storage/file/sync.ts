import { closeSync, fsync, openSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { inParallel } from "./in-parallel.ts";

/** Makes the content of an open file survive a power cut. */
export const syncOpenFile: (file: number) => Promise<void> = promisify(fsync);

/** Makes the content of a file, or the names in a directory, survive a power cut. */
export async function syncPath(path: string): Promise<void> {
  // What is to be synced was used a moment ago, so opening it doesn't wait for the disk.
  const file = openSync(path, "r");
  try {
    await syncOpenFile(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Files of a tree that are synced at a time: one that waits for the disk often waits for the others
 * as well, but each keeps one of four threads from everybody else.
 */
const TREE_PARALLEL = 2;

/**
 * Syncs every file and directory below `root`, which has no name yet that anybody looks for. An
 * empty directory is no more than its name, which is synced with the directory above.
 */
export async function syncTree(root: string): Promise<void> {
  const paths = [root];
  const visit = (folder: string): void => {
    const entries = readdirSync(folder, { withFileTypes: true });
    if (entries.length > 0 && folder !== root) paths.push(folder);
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) paths.push(path);
    }
  };
  visit(root);
  await inParallel(paths, syncPath, TREE_PARALLEL);
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
