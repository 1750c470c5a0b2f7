import { type Dirent, lstatSync, readdirSync, type Stats } from "node:fs";
import { isMissing } from "../../base/error/system-error-text.ts";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { Turns } from "./turns.ts";

/** Lists a folder, see `listEntries`. */
export type ListFolder = (folder: string) => readonly Dirent[];

/**
 * Calls `visit` with the path, a binary string, of everything below a directory that is no directory
 * itself. Symbolic links aren't followed.
 *
 * What vanishes meanwhile is left out; a missing directory counts as empty.
 */
export async function forEachFile(
  path: string,
  visit: (path: string) => void,
  signal: AbortSignal,
  list: ListFolder = listEntries,
): Promise<void> {
  const turns = new Turns(signal);
  const folders = [binaryFromText(path)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of list(folder)) {
      const entryPath = `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(entryPath);
      else visit(entryPath);
      if (turns.isOver()) await turns.next();
    }
  }
}

/** Lists a directory whose path is a binary string; so are the names. Empty when it is missing. */
export function listEntries(folder: string): Dirent[] {
  try {
    return readdirSync(bytesFromBinary(folder), { withFileTypes: true, encoding: "latin1" });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The state of what has the binary string for a path; undefined when it is missing. */
export function findStats(path: string): Stats | undefined {
  return lstatSync(bytesFromBinary(path), { throwIfNoEntry: false });
}
