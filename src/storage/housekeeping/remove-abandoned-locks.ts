import { bytesFromBinary } from "../../git/ref/binary-string.ts";
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
export async function removeAbandonedLocks(path: string, signal: AbortSignal): Promise<number> {
  let count = FIXED.filter((name) => removeAbandonedLock(`${path}/${name}`)).length;
  await forEachFile(
    `${path}/refs`,
    (file) => {
      if (!file.endsWith(".lock")) return;
      if (removeAbandonedLock(Buffer.from(bytesFromBinary(file)))) count += 1;
    },
    signal,
  );
  return count;
}
