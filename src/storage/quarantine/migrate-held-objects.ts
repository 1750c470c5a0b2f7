import { closeSync, existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { HeldObjects } from "../../git/object/held-objects.ts";
import type { CachedContent } from "../../git/pack/reader-resources.ts";
import { inFolder } from "../file/in-folder.ts";
import { inParallel } from "../file/in-parallel.ts";
import { syncOpenFile, syncPath } from "../file/sync.ts";
import { openLooseFile } from "../object-write/loose-file.ts";
import { moveFile, syncFolder } from "./migrate-objects.ts";

/**
 * Writes objects that are in memory to an object directory, to stay there even after a power cut.
 * Each shows up whole; nothing shows up when one can't be written.
 *
 * Until then files stand beside the directory that they were held for: there hardly anything is ever
 * removed, which some file systems are the slower the more of it there was.
 */
export async function migrateHeldObjects(held: HeldObjects, target: string): Promise<void> {
  const objects = [...held.objects];
  if (objects.length === 0) return;
  const folders = new Set<string>();
  /** Where the files are to go that are written, by their paths. */
  const moves = new Map<string, string>();
  let areRemade = false;
  try {
    await inParallel(objects, async ([oid, object]) => {
      const folder = join(target, oid.slice(0, 2));
      folders.add(folder);
      const path = join(folder, oid.slice(2));
      if (existsSync(path)) return;
      const temporary = `${held.directory}-${moves.size}`;
      moves.set(temporary, path);
      await writeSynced(temporary, object);
    });
    for (const [temporary, path] of moves) {
      const moved = moveFile(temporary, path);
      if (moved === "to a new folder") areRemade = true;
      if (moved !== "not at all") moves.delete(temporary);
    }
  } finally {
    for (const temporary of moves.keys()) rmSync(temporary, { force: true });
  }
  await inParallel([...folders], syncFolder);
  if (areRemade) await syncPath(target);
  for (const [oid] of objects) held.delete(oid);
}

async function writeSynced(path: string, { type, content }: CachedContent): Promise<void> {
  const file = inFolder(dirname(path), () => openLooseFile(path, type, content));
  try {
    await syncOpenFile(file);
  } finally {
    closeSync(file);
  }
}
