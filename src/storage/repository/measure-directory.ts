import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isMissing } from "../../base/error/system-error-text.ts";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";

/** Entries looked at before other work of the process has its turn. */
const ENTRIES_PER_TURN = 500;

/**
 * Adds up the sizes in bytes of all files below a directory; directories themselves count nothing.
 *
 * What vanishes meanwhile counts nothing either. Asking synchronously, some hundred files at a time,
 * costs a tenth of as many trips to the thread pool.
 */
export async function measureDirectory(path: string, signal: AbortSignal): Promise<number> {
  const folders = [binaryFromText(path)];
  let bytes = 0;
  let count = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of listEntries(folder)) {
      const entryPath = `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(entryPath);
      else bytes += sizeOf(entryPath);
      if (++count % ENTRIES_PER_TURN > 0) continue;
      await nextTurn();
      signal.throwIfAborted();
    }
  }
  return bytes;
}

/** Names are binary strings, since names of references need not be UTF-8. */
function listEntries(folder: string): Dirent[] {
  try {
    return readdirSync(bytesFromBinary(folder), { withFileTypes: true, encoding: "latin1" });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function sizeOf(path: string): number {
  return lstatSync(bytesFromBinary(path), { throwIfNoEntry: false })?.size ?? 0;
}
