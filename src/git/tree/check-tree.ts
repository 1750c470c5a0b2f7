import { isTreeMode } from "../object/tree-object.ts";
import type { Oid } from "../oid/oid.ts";
import { isGitFileName, isGitFolderName } from "./protected-name.ts";
import { MalformedTreeError } from "./tree-edit-error.ts";

/** An entry of a tree that is about to be written. */
export interface CheckedEntry {
  readonly mode: number;
  /** A binary string. */
  readonly name: string;
  readonly oid: Oid;
}

const NAME_BYTES_MAX = 4096;

const SYMLINK_MODE = 0o120000;
const MODES: ReadonlySet<number> = new Set([0o100644, 0o100755, SYMLINK_MODE, 0o040000, 0o160000]);

/**
 * Refuses what git would refuse to write as a tree, be it only unusual.
 *
 * @param entries in the order in which they are to be written
 * @throws MalformedTreeError
 */
export function checkTree(entries: readonly CheckedEntry[]): void {
  let previous = "";
  for (const [index, entry] of entries.entries()) {
    if (!isProper(entry)) throw new MalformedTreeError();
    const key = isTreeMode(entry.mode) ? `${entry.name}/` : entry.name;
    const isNext = index === 0 || (previous < key && entries[index - 1]?.name !== entry.name);
    if (!isNext) throw new MalformedTreeError();
    previous = key;
  }
}

function isProper({ mode, name, oid }: CheckedEntry): boolean {
  if (name === "." || name === ".." || /[/\0]/.test(name)) return false;
  if (name.length > NAME_BYTES_MAX || !MODES.has(mode) || /^0+$/.test(oid)) return false;
  return !isGitFolderName(name) && !(mode === SYMLINK_MODE && isGitFileName(name));
}
