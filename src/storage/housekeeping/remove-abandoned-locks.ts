import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { FolderListings } from "../file/folder-listings.ts";
import { forEachFile } from "../file/for-each-file.ts";
import { removeAbandonedLock } from "../file/lock-owner.ts";

/** Locks at fixed places, below the repository. */
const FIXED = [
  "HEAD.lock",
  "config.lock",
  "packed-refs.lock",
  "info/attributes.lock",
  "objects/info/alternates.lock",
];

/**
 * Removes the locks of processes of ours that were killed, however young they are.
 *
 * They are not listed first and removed later: whoever finds one meanwhile takes it over.
 *
 * @returns how many there were
 */
export async function removeAbandonedLocks(
  path: string,
  signal: AbortSignal,
  listings: FolderListings = new FolderListings(),
): Promise<number> {
  const root = binaryFromText(path);
  let count = FIXED.filter(
    (name) => listings.has(root, name) && removeAbandonedLock(`${path}/${name}`),
  ).length;
  await forEachFile(
    `${path}/refs`,
    (file) => {
      if (!file.endsWith(".lock")) return;
      if (removeAbandonedLock(Buffer.from(bytesFromBinary(file)))) count += 1;
    },
    signal,
    listings.list,
  );
  return count;
}
