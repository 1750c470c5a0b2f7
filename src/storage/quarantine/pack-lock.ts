import { rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Lets a pack go that `index-pack --keep` has guarded against being repacked before a reference led
 * to its objects.
 */
export async function removePackLock(repositoryPath: string, checksum: string): Promise<void> {
  const path = join(repositoryPath, "objects", "pack", `pack-${checksum}.keep`);
  await rm(path, { force: true });
}
