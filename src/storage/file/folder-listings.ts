import type { Dirent } from "node:fs";
import { listEntries } from "./for-each-file.ts";

/** Entries that are kept; folders beyond them are listed each time. */
const ENTRIES_MAX = 20_000;

/**
 * What is in folders, listed once for several looks that follow each other within moments.
 *
 * A look may find names of what has gone meanwhile, and none of what has just come. Paths and names
 * are binary strings.
 */
export class FolderListings {
  readonly #kept = new Map<string, readonly Dirent[]>();
  #count = 0;
  #isComplete = true;

  /** All folders that were looked into, and what is in them; undefined when that was too much. */
  get all(): ReadonlyMap<string, readonly Dirent[]> | undefined {
    return this.#isComplete ? this.#kept : undefined;
  }

  /** Lists a folder; empty when it is missing. */
  readonly list = (folder: string): readonly Dirent[] => {
    const known = this.#kept.get(folder);
    if (known !== undefined) return known;
    const entries = listEntries(folder);
    if (this.#count + entries.length <= ENTRIES_MAX) {
      this.#kept.set(folder, entries);
      this.#count += entries.length;
    } else {
      this.#isComplete = false;
    }
    return entries;
  };

  /** Whether there is something by a relative path in a folder. */
  has(folder: string, path: string): boolean {
    const slash = path.indexOf("/");
    const name = slash < 0 ? path : path.slice(0, slash);
    const entry = this.list(folder).find((candidate) => candidate.name === name);
    if (entry === undefined || slash < 0) return entry !== undefined;
    // What a link leads to may have it.
    if (!entry.isDirectory()) return true;
    return this.has(`${folder}/${name}`, path.slice(slash + 1));
  }
}
