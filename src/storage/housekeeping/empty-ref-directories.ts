import { rmdir } from "node:fs/promises";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { findStats, listEntries } from "../file/for-each-file.ts";
import { systemErrorCode } from "../ref-update/system-error-code.ts";

/** A directory this young may be that of a reference which is just being made. */
const EMPTY_DIRECTORY_MS = 24 * 60 * 60 * 1000;

/** Removes directories below `refs/*` that hold nothing for a day. Returns how many. */
export async function removeEmptyRefDirectories(
  path: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  const root = `${binaryFromText(path)}/refs`;
  let count = 0;
  for (const entry of listEntries(root)) {
    if (entry.isDirectory()) count += await removeEmpty(`${root}/${entry.name}`, nowMs, signal);
  }
  return count;
}

async function removeEmpty(folder: string, nowMs: number, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  // Before anything is removed from it, which would make it young.
  const stats = findStats(folder);
  if (stats === undefined) return 0;
  let count = 0;
  for (const entry of listEntries(folder)) {
    if (entry.isDirectory()) count += await removeEmpty(`${folder}/${entry.name}`, nowMs, signal);
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
