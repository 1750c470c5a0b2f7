import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMissing } from "../../base/error/system-error-text.ts";
import { inParallel } from "../file/in-parallel.ts";
import { syncPath } from "../file/sync.ts";

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
  const migrated = await inParallel(folders, ({ name }) =>
    migrateFolder(join(source, name), join(target, name)),
  );
  if (migrated.includes("moved")) await syncPath(target);
}

/** What became of a folder: it has moved, or its files have moved to the one that was there. */
type Migration = "moved" | "merged";

/**
 * Moving what was just written doesn't wait for the disk, and a folder holds a share of it only: to
 * hand each file to another thread would cost more.
 */
async function migrateFolder(source: string, target: string): Promise<Migration> {
  if (moveFolder(source, target)) {
    await syncFolder(target);
    return "moved";
  }
  const names = readdirSync(source);
  if (names.length === 0) return "merged";
  let isRemade = false;
  let isLeft = false;
  for (const name of inOrder(names)) {
    const moved = moveFile(join(source, name), join(target, name));
    if (moved === "to a new folder") isRemade = true;
    if (moved === "not at all") isLeft = true;
  }
  // Both wait for the disk. Usually everything has moved; whoever removes the rest has less to do then.
  await Promise.all([syncFolder(target), isLeft ? undefined : rmdir(source)]);
  if (isRemade) await syncPath(dirname(target));
  return "merged";
}

/**
 * Moves a folder as a whole when there is none in its place: file systems are slow to make and to
 * remove one.
 */
function moveFolder(source: string, target: string): boolean {
  if (existsSync(target)) return false;
  try {
    renameSync(source, target);
    return true;
  } catch (error) {
    // Somebody has just made it.
    if (isOccupied(error)) return false;
    throw error;
  }
}

function isOccupied(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOTEMPTY" || code === "EEXIST";
}

/** Housekeeping may remove an empty folder more than once, but not this often. */
const REMADE_MAX = 10;

/**
 * A file that is there already stays: it has the same content. The target's folder may have to be
 * made anew: housekeeping removes those that are empty, also just before something is put there.
 */
export function moveFile(
  source: string,
  target: string,
): "to a new folder" | "moved" | "not at all" {
  for (let remade = 0; ; remade++) {
    if (existsSync(target)) return "not at all";
    try {
      renameSync(source, target);
      return remade > 0 ? "to a new folder" : "moved";
    } catch (error) {
      if (!isMissing(error) || remade === REMADE_MAX) throw error;
      mkdirSync(dirname(target), { recursive: true });
    }
  }
}

/** Syncs a folder of objects. Housekeeping may have packed all of it meanwhile, and removed it. */
export async function syncFolder(path: string): Promise<void> {
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
