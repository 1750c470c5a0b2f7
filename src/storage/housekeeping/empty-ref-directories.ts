import { rmdir } from "node:fs/promises";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { FolderListings } from "../file/folder-listings.ts";
import { findStats, type ListFolder, listEntries } from "../file/for-each-file.ts";
import { systemErrorCode } from "../ref-update/system-error-code.ts";

/** A directory this young may be that of a reference which is just being made. */
const EMPTY_DIRECTORY_MS = 24 * 60 * 60 * 1000;

/** Removes directories below `refs/*` that hold nothing for a day. Returns how many. */
export async function removeEmptyRefDirectories(
  path: string,
  nowMs: number,
  signal: AbortSignal,
  { list }: FolderListings = new FolderListings(),
): Promise<number> {
  const removal = { nowMs, signal, list };
  const root = `${binaryFromText(path)}/refs`;
  let count = 0;
  for (const entry of list(root)) {
    if (entry.isDirectory()) count += await removeEmpty(`${root}/${entry.name}`, removal);
  }
  return count;
}

interface Removal {
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly list: ListFolder;
}

async function removeEmpty(folder: string, removal: Removal): Promise<number> {
  const { nowMs, signal, list } = removal;
  signal.throwIfAborted();
  // Before anything is removed from it, which would make it young.
  const stats = findStats(folder);
  if (stats === undefined) return 0;
  let count = 0;
  for (const entry of list(folder)) {
    if (entry.isDirectory()) count += await removeEmpty(`${folder}/${entry.name}`, removal);
  }
  if (nowMs - stats.mtimeMs < EMPTY_DIRECTORY_MS || listEntries(folder).length > 0) return count;
  try {
    await rmdir(bytesFromBinary(folder));
    return count + 1;
  } catch (error) {
    if (KEPT.has(systemErrorCode(error) ?? "")) return count;
    throw error;
  }
}

/** Somebody else was faster: to remove it, or to put a reference into it. */
const KEPT: ReadonlySet<string> = new Set(["ENOENT", "ENOTEMPTY", "EEXIST"]);
