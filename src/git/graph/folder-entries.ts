import type { ObjectDatabase } from "../object/object-database.ts";
import { CorruptObjectError, ObjectNotFoundError } from "../object/object-error.ts";
import { canonicalMode, isTreeMode, TreeCursor } from "../object/tree-object.ts";
import type { Oid } from "../oid/oid.ts";

/** What stands under a name. */
export interface NamedEntry {
  readonly mode: number;
  readonly oid: Oid;
}

/** A tree has to fit in memory; this stops the event loop for a moment at worst. */
const TREE_BYTES_MAX = 64 * 1024 * 1024;

const SLASH = 0x2f;

/**
 * Some names in one folder, and what stands under them: in which trees is it the same?
 *
 * Methods throw `ObjectNotFoundError` and `CorruptObjectError` for trees that can't be read.
 */
export class FolderEntries {
  readonly #objects: ObjectDatabase;
  /** Names of the folders on the way. */
  readonly #folders: readonly Buffer[];
  readonly #names: readonly Buffer[];
  readonly #entries: (NamedEntry | undefined)[];
  /** The entries' ids as they stand in trees. */
  readonly #oids: Buffer[] = [];

  /** `folder` is empty for the root, else without a slash in the end. */
  constructor(objects: ObjectDatabase, folder: Buffer, names: readonly Buffer[]) {
    this.#objects = objects;
    this.#folders = split(folder);
    this.#names = names;
    this.#entries = names.map(() => undefined);
  }

  /** What stands under each name in the folder that was taken up. */
  get entries(): readonly (NamedEntry | undefined)[] {
    return this.#entries;
  }

  /** The folder's tree below a root tree; `undefined` when there is no such folder. */
  folderOf(root: Oid): Oid | undefined {
    let tree = root;
    for (const name of this.#folders) {
      const entry = this.find(tree, name);
      if (entry === undefined || !isTreeMode(entry.mode)) return undefined;
      tree = entry.oid;
    }
    return tree;
  }

  /** Notes what stands under the names in a folder: with that, others are compared. */
  takeUp(folder: Oid): void {
    const left = [...this.#names.keys()];
    const cursor = this.#open(folder);
    while (left.length > 0 && cursor.next()) {
      const name = this.#takeAt(cursor, left);
      if (name === undefined) continue;
      this.#entries[name] = { mode: canonicalMode(cursor.mode), oid: cursor.oid };
      this.#oids[name] = Buffer.from(cursor.oid, "hex");
    }
  }

  /** Those of the names under which something else stands in another folder, or in none. */
  changedIn(folder: Oid | undefined, names: readonly number[]): number[] {
    if (folder === undefined) return names.filter((name) => this.#entries[name] !== undefined);
    const changed: number[] = [];
    const left = [...names];
    const cursor = this.#open(folder);
    while (left.length > 0 && cursor.next()) {
      const name = this.#takeAt(cursor, left);
      if (name !== undefined && !this.#isSame(cursor, name)) changed.push(name);
    }
    for (const name of left) if (this.#entries[name] !== undefined) changed.push(name);
    return changed;
  }

  /** What stands under any one name in a tree. */
  find(tree: Oid, name: Buffer): NamedEntry | undefined {
    const cursor = this.#open(tree);
    while (cursor.next()) {
      if (cursor.nameEnd - cursor.nameStart !== name.length) continue;
      if (cursor.compareWith(name, 0) !== 0) continue;
      return { mode: canonicalMode(cursor.mode), oid: cursor.oid };
    }
    return undefined;
  }

  /** Takes the name at which the cursor stands out of a list, if it is there. */
  #takeAt(cursor: TreeCursor, names: number[]): number | undefined {
    const length = cursor.nameEnd - cursor.nameStart;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] ?? 0;
      const bytes = this.#names[name];
      if (bytes?.length !== length || cursor.compareWith(bytes, 0) !== 0) continue;
      names.splice(i, 1);
      return name;
    }
    return undefined;
  }

  #isSame({ mode, content, nameEnd }: TreeCursor, name: number): boolean {
    const [entry, oid] = [this.#entries[name], this.#oids[name]];
    if (entry === undefined || oid === undefined || entry.mode !== canonicalMode(mode))
      return false;
    return content.compare(oid, 0, oid.length, nameEnd + 1, nameEnd + 1 + oid.length) === 0;
  }

  #open(tree: Oid): TreeCursor {
    const object = this.#objects.read(tree, TREE_BYTES_MAX);
    if (object === undefined) throw new ObjectNotFoundError(tree);
    if (object.type !== "tree") throw new CorruptObjectError("object is no tree");
    return new TreeCursor(object.content, this.#objects.format);
  }
}

function split(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let start = 0; start < path.length; ) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.length : slash;
    names.push(path.subarray(start, end));
    start = end + 1;
  }
  return names;
}
