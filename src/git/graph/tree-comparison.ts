import type { ObjectDatabase } from "../object/object-database.ts";
import { CorruptObjectError, ObjectNotFoundError } from "../object/object-error.ts";
import { canonicalMode, isTreeMode, TreeCursor } from "../object/tree-object.ts";
import type { Oid } from "../oid/oid.ts";
import type { PathNode } from "./path-selection.ts";

/** Folders inside one another; git's own limit. */
const DEPTH_MAX = 2048;

/** An entry of a tree, as far as it matters whether it is the same. */
interface Entry {
  readonly mode: number;
  readonly oid: Oid;
}

/** `undefined` stands for no tree at all, in which nothing is. */
type Tree = Oid | undefined;

/** Tells whether two trees differ in what is selected; folders without files don't count. */
export class TreeComparison {
  readonly #objects: ObjectDatabase;

  constructor(objects: ObjectDatabase) {
    this.#objects = objects;
  }

  /**
   * `true` when a selected file isn't the same in both. Throws `ObjectNotFoundError` and
   * `CorruptObjectError` for trees that can't be read.
   */
  isDifferent(a: Tree, b: Tree, node: PathNode, depth: number = 0): boolean {
    if (a === b) return false;
    if (node.isWhole) return this.#anyDifferent(a, b, depth);
    for (const { name, node: child } of node.children) {
      const entryA = this.#find(a, name, child);
      const entryB = this.#find(b, name, child);
      const isDifferent = child.isWhole
        ? this.#entriesDiffer(entryA, entryB, depth + 1)
        : this.isDifferent(treeOf(entryA), treeOf(entryB), child, depth + 1);
      if (isDifferent) return true;
    }
    return false;
  }

  #find(tree: Tree, name: Buffer, node: PathNode): Entry | undefined {
    if (tree === undefined) return undefined;
    const cursor = this.#open(tree);
    while (cursor.next()) {
      if (cursor.nameEnd - cursor.nameStart !== name.length) continue;
      if (cursor.compareWith(name, 0) !== 0) continue;
      const mode = canonicalMode(cursor.mode);
      if (node.isFolder && !isTreeMode(mode) && mode !== SUBMODULE) return undefined;
      return { mode, oid: cursor.oid };
    }
    return undefined;
  }

  #entriesDiffer(a: Entry | undefined, b: Entry | undefined, depth: number): boolean {
    if (a?.oid === b?.oid && a?.mode === b?.mode) return false;
    // A file on one side is a difference, whatever the other side is.
    const hasFile = [a, b].some((entry) => entry !== undefined && !isTreeMode(entry.mode));
    return hasFile || this.#anyDifferent(treeOf(a), treeOf(b), depth);
  }

  /** Compares all files; most trees that differ do so in something that both have. */
  #anyDifferent(a: Tree, b: Tree, depth: number): boolean {
    if (a === b) return false;
    if (depth > DEPTH_MAX) throw new CorruptObjectError("trees nest too deeply");
    const [left, right] = [this.#open(a), this.#open(b)];
    let [hasLeft, hasRight] = [left.next(), right.next()];
    while (hasLeft && hasRight && haveSameName(left, right)) {
      if (this.#entriesDiffer(entryAt(left), entryAt(right), depth + 1)) return true;
      [hasLeft, hasRight] = [left.next(), right.next()];
    }
    const rest = hasLeft ? restOf(left) : [];
    return this.#anyOfRestDiffers(rest, new Map(hasRight ? restOf(right) : []), depth);
  }

  /** Both lists are in the same order, but a folder and a file may share a name. */
  #anyOfRestDiffers(a: Iterable<NamedEntry>, b: Map<string, Entry>, depth: number): boolean {
    for (const [name, entry] of a) {
      if (this.#entriesDiffer(entry, b.get(name), depth + 1)) return true;
      b.delete(name);
    }
    for (const entry of b.values()) {
      if (this.#entriesDiffer(undefined, entry, depth + 1)) return true;
    }
    return false;
  }

  #open(tree: Tree): TreeCursor {
    const { format } = this.#objects;
    if (tree === undefined) return new TreeCursor(NO_CONTENT, format);
    const object = this.#objects.read(tree, TREE_BYTES_MAX);
    if (object === undefined) throw new ObjectNotFoundError(tree);
    if (object.type !== "tree") throw new CorruptObjectError("object is no tree");
    return new TreeCursor(object.content, format);
  }
}

const NO_CONTENT = Buffer.alloc(0);

type NamedEntry = readonly [name: string, entry: Entry];

/** The current entry of a cursor and those behind it. */
function* restOf(cursor: TreeCursor): IterableIterator<NamedEntry> {
  do yield [cursor.name.toString("latin1"), entryAt(cursor)];
  while (cursor.next());
}

function entryAt({ mode, oid }: TreeCursor): Entry {
  return { mode: canonicalMode(mode), oid };
}

function haveSameName(one: TreeCursor, other: TreeCursor): boolean {
  const length = one.nameEnd - one.nameStart;
  if (other.nameEnd - other.nameStart !== length) return false;
  for (let i = 0; i < length; i++) {
    if (one.content[one.nameStart + i] !== other.content[other.nameStart + i]) return false;
  }
  return true;
}

const SUBMODULE = 0o160000;

/** A tree has to fit in memory; this stops the event loop for a moment at worst. */
const TREE_BYTES_MAX = 64 * 1024 * 1024;

function treeOf(entry: Entry | undefined): Tree {
  return entry !== undefined && isTreeMode(entry.mode) ? entry.oid : undefined;
}
