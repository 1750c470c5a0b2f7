import type { ObjectDatabase } from "../object/object-database.ts";
import {
  CorruptObjectError,
  ObjectNotFoundError,
  ObjectTooLargeError,
} from "../object/object-error.ts";
import {
  canonicalMode,
  compareTreeNames,
  encodeTree,
  isTreeMode,
  type TreeEntry,
  treeEntries,
} from "../object/tree-object.ts";
import type { Oid } from "../oid/oid.ts";
import type { TreeWriter } from "./tree-editor.ts";

/** Trees that one merge reads; git is faster with more. */
const TREES_READ_MAX = 1000;

/** Three trees: what two sides have made of one. */
export interface ThreeTrees {
  readonly base: Oid;
  readonly ours: Oid;
  readonly theirs: Oid;
}

/**
 * Merges two trees when no path has been changed on both sides and no rename could matter, so that
 * `git merge-tree` could only come to the same tree.
 *
 * A rename on one side matters to git where the other side has changed the renamed file, or has put
 * something into the renamed folder, or where both sides have made the same change. The first two
 * show as one entry that both sides have changed.
 *
 * @returns undefined when it is git's to say what becomes of it
 */
export async function mergeByPath(
  objects: ObjectDatabase,
  writer: TreeWriter,
  { base, ours, theirs }: ThreeTrees,
): Promise<Oid | undefined> {
  if (base === ours) return theirs;
  if (base === theirs) return ours;
  try {
    return await new PathMerge(objects, writer).merge({ base, ours, theirs });
  } catch (error) {
    if (error instanceof TooHardError || isUnreadable(error)) return undefined;
    throw error;
  }
}

function isUnreadable(error: unknown): boolean {
  return (
    error instanceof CorruptObjectError ||
    error instanceof ObjectNotFoundError ||
    error instanceof ObjectTooLargeError
  );
}

class TooHardError extends Error {}

type Entry = Pick<TreeEntry, "mode" | "oid">;
type Entries = ReadonlyMap<string, TreeEntry>;

/** Which kinds of changes one side has made; a rename is one of each kind. */
interface SideChanges {
  added: boolean;
  removed: boolean;
}

const NO_ENTRIES: Entries = new Map();

class PathMerge {
  readonly #objects: ObjectDatabase;
  readonly #writer: TreeWriter;
  readonly #ours: SideChanges = { added: false, removed: false };
  readonly #theirs: SideChanges = { added: false, removed: false };
  #hasSameChanges = false;
  #treesLeft = TREES_READ_MAX;

  constructor(objects: ObjectDatabase, writer: TreeWriter) {
    this.#objects = objects;
    this.#writer = writer;
  }

  async merge({ base, ours, theirs }: ThreeTrees): Promise<Oid> {
    const trees = [this.#read(base), this.#read(ours), this.#read(theirs)] as const;
    const merged = await this.#mergeEntries(...trees);
    const [baseEntries, ...sides] = trees;
    for (const [index, changes] of [this.#ours, this.#theirs].entries()) {
      if (!mayRename(changes)) continue;
      if (this.#hasSameChanges) throw new TooHardError();
      // What if all moves out of the root?
      const side = sides[index];
      if (![...baseEntries.keys()].some((name) => side?.has(name))) throw new TooHardError();
    }
    return this.#write(merged);
  }

  async #mergeEntries(base: Entries, ours: Entries, theirs: Entries): Promise<TreeEntry[]> {
    const merged: TreeEntry[] = [];
    for (const key of new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])) {
      const sides = [base.get(key), ours.get(key), theirs.get(key)] as const;
      const name = sides.find((entry) => entry !== undefined)?.name ?? Buffer.alloc(0);
      const entry = await this.#mergeEntry(...sides);
      if (entry !== undefined) merged.push({ name, mode: entry.mode, oid: entry.oid });
    }
    return merged;
  }

  async #mergeEntry(
    base: Entry | undefined,
    ours: Entry | undefined,
    theirs: Entry | undefined,
  ): Promise<Entry | undefined> {
    if (isSame(base, ours)) {
      this.#note(this.#theirs, base, theirs);
      return theirs;
    }
    if (isSame(base, theirs)) {
      this.#note(this.#ours, base, ours);
      return ours;
    }
    if (isSame(ours, theirs)) {
      this.#hasSameChanges = true;
      this.#note(this.#ours, base, ours);
      this.#note(this.#theirs, base, theirs);
      this.#checkFolder(base, ours);
      return ours;
    }
    if (!isFolder(ours) || !isFolder(theirs)) throw new TooHardError();
    if (base !== undefined && !isFolder(base)) throw new TooHardError();
    const baseEntries = base === undefined ? NO_ENTRIES : this.#read(base.oid);
    const sides = [this.#read(ours.oid), this.#read(theirs.oid)] as const;
    const entries = await this.#mergeEntries(baseEntries, ...sides);
    if (entries.length === 0) return undefined;
    return { mode: ours.mode, oid: await this.#write(entries) };
  }

  /** Git looks into a folder that both sides have changed, though it is the same on both. */
  #checkFolder(base: Entry | undefined, entry: Entry | undefined): void {
    if (!isFolder(entry)) return;
    const before = isFolder(base) ? this.#read(base.oid) : NO_ENTRIES;
    for (const [key, each] of this.#read(entry.oid)) {
      if (!isSame(before.get(key), each)) this.#checkFolder(before.get(key), each);
    }
  }

  /** Notes how files have changed in what one side alone has changed. */
  #note(changes: SideChanges, before: Entry | undefined, after: Entry | undefined): void {
    if (mayRename(changes) || isSame(before, after)) return;
    if (before === undefined) changes.added = true;
    else if (after === undefined) changes.removed = true;
    else if (isFolder(before) && isFolder(after)) {
      const [old, now] = [this.#read(before.oid), this.#read(after.oid)];
      for (const key of new Set([...old.keys(), ...now.keys()])) {
        this.#note(changes, old.get(key), now.get(key));
      }
    } else if (isFolder(before) || isFolder(after)) {
      changes.added = true;
      changes.removed = true;
    }
  }

  #read(oid: Oid): Entries {
    if (--this.#treesLeft < 0) throw new TooHardError();
    const object = this.#objects.read(oid);
    if (object?.type !== "tree") throw new TooHardError();
    const entries = new Map<string, TreeEntry>();
    for (const entry of treeEntries(object.content, this.#objects.format)) {
      const key = entry.name.toString("latin1");
      // Git would put such things in order while it merges.
      if (entries.has(key) || entry.mode !== canonicalMode(entry.mode)) throw new TooHardError();
      entries.set(key, entry);
    }
    return entries;
  }

  #write(entries: TreeEntry[]): Promise<Oid> {
    return this.#writer.write("tree", encodeTree(entries.sort(compareTreeNames)));
  }
}

function mayRename({ added, removed }: SideChanges): boolean {
  return added && removed;
}

function isSame(one: Entry | undefined, other: Entry | undefined): boolean {
  return one?.oid === other?.oid && one?.mode === other?.mode;
}

function isFolder(entry: Entry | undefined): entry is Entry {
  return entry !== undefined && isTreeMode(entry.mode);
}
