import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { isMissing } from "../../base/error/system-error-text.ts";
import { syncPath } from "../file/sync.ts";

/** Files that are synced or moved at a time. */
const PARALLEL_MAX = 8;

/**
 * Moves everything in one object directory to another, as git does when it accepts a push.
 *
 * @param unsynced paths of files whose content may not have reached the disk
 */
export async function migrateObjects(
  source: string,
  target: string,
  unsynced: ReadonlySet<string>,
): Promise<void> {
  const entries = readdirSync(source, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory());
  // Contents are safe before any name says so.
  await inParallel([...unsynced], syncPath);
  let hasChanged = false;
  for (const { name } of folders) {
    const to = join(target, name);
    // A missing folder is about to be named by its parent, which then has to be synced.
    if (!existsSync(to)) {
      mkdirSync(to, { recursive: true });
      hasChanged = true;
    }
  }
  await inParallel(folders, ({ name }) => migrateFolder(join(source, name), join(target, name)));
  if (hasChanged) await syncPath(target);
}

/**
 * Moving what was just written doesn't wait for the disk, and a folder holds a share of it only: to
 * hand each file to another thread would cost more.
 */
async function migrateFolder(source: string, target: string): Promise<void> {
  const names = readdirSync(source);
  if (names.length === 0) return;
  let isRemade = false;
  for (const name of inOrder(names)) {
    if (moveFile(join(source, name), join(target, name))) isRemade = true;
  }
  await syncFolder(target);
  if (isRemade) await syncPath(dirname(target));
  // Usually everything has moved; whoever removes the rest has less to do then.
  if (readdirSync(source).length === 0) rmdirSync(source);
}

/** Housekeeping may remove an empty folder more than once, but not this often. */
const REMADE_MAX = 10;

/**
 * A file that is there already stays: it has the same content.
 *
 * @returns whether the target's folder had to be made anew: housekeeping removes those that are
 *   empty, also just before something is put there
 */
function moveFile(source: string, target: string): boolean {
  for (let remade = 0; ; remade++) {
    if (existsSync(target)) return remade > 0;
    try {
      renameSync(source, target);
      return remade > 0;
    } catch (error) {
      if (!isMissing(error) || remade === REMADE_MAX) throw error;
      mkdirSync(dirname(target), { recursive: true });
    }
  }
}

/** Housekeeping may have packed all of it meanwhile, and removed the folder. */
async function syncFolder(path: string): Promise<void> {
  try {
    await syncPath(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** A pack is usable as soon as its index is there, so that comes last. */
const PACK_ORDER = [".keep", ".pack", ".rev", ".idx"] as const;

function inOrder(names: readonly string[]): string[] {
  return names.toSorted((one, other) => packPosition(one) - packPosition(other));
}

function packPosition(name: string): number {
  if (!name.startsWith("pack-")) return 0;
  const position = PACK_ORDER.findIndex((extension) => name.endsWith(extension));
  return position < 0 ? PACK_ORDER.length + 1 : position + 1;
}

async function inParallel<T>(
  items: readonly T[],
  action: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const work = async (): Promise<void> => {
    for (const item of queue) await action(item);
  };
  const workers = Math.min(PARALLEL_MAX, items.length);
  await Promise.all(Array.from({ length: workers }, work));
}
