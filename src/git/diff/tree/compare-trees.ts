import { commonLength } from "../../object/common-length.ts";
import type { ObjectDatabase } from "../../object/object-database.ts";
import { CorruptObjectError, ObjectNotFoundError } from "../../object/object-error.ts";
import { isSameEntry, orderOfEntries } from "../../object/tree-cursors.ts";
import { canonicalMode, isTreeMode, TreeCursor } from "../../object/tree-object.ts";
import { type Oid, zeroOid } from "../../oid/oid.ts";
import { DiffTooHardError } from "../text/diff-too-hard-error.ts";
import { createPair, type FilePair } from "./file-pair.ts";
import type { SelectedPaths } from "./selected-paths.ts";

/** Folders inside one another; git's own limit. */
const DEPTH_MAX = 2048;

/** Differences with more files are left to git. */
export const PAIRS_MAX = 2000;

/** Entries of trees that are looked at for one difference. */
const ENTRIES_MAX = 500_000;

/** A larger tree is left to git. */
const TREE_BYTES_MAX = 4 * 1024 * 1024;

/** `undefined` stands for no tree at all. */
type Tree = Oid | undefined;

/**
 * Lists the files in which two trees differ, in git's order. Folders are looked into.
 *
 * Throws `DiffTooHardError` for more than `PAIRS_MAX` of them, and what reading trees throws.
 */
export function compareTrees(
  objects: ObjectDatabase,
  left: Tree,
  right: Tree,
  selected?: SelectedPaths,
): FilePair[] {
  const comparison = new TreeWalk(objects, selected);
  comparison.compare(left, right, "", 0);
  return comparison.pairs;
}

class TreeWalk {
  readonly pairs: FilePair[] = [];
  readonly #objects: ObjectDatabase;
  readonly #selected: SelectedPaths | undefined;
  readonly #zero: Oid;
  #entriesLeft = ENTRIES_MAX;

  constructor(objects: ObjectDatabase, selected: SelectedPaths | undefined) {
    this.#objects = objects;
    this.#selected = selected;
    this.#zero = zeroOid(objects.format);
  }

  compare(left: Tree, right: Tree, folder: string, depth: number): void {
    if (left === right) return;
    if (depth > DEPTH_MAX) throw new CorruptObjectError("folders nest too deeply");
    this.#walk(this.#open(left), this.#open(right), folder, depth);
  }

  #walk(a: TreeCursor, b: TreeCursor, folder: string, depth: number): void {
    let hasA = false;
    let hasB = false;
    for (let order = 0; ; ) {
      if (order === 0) this.#skipAlike(a, b);
      if (order <= 0) hasA = a.next();
      if (order >= 0) hasB = b.next();
      if (!hasA && !hasB) return;
      order = orderOfEntries(a, hasA, b, hasB);
      this.#compareEntry(order <= 0 ? a : undefined, order >= 0 ? b : undefined, folder, depth);
    }
  }

  /** Steps over entries that are the same byte for byte, as most are, looking at those of `a` only. */
  #skipAlike(a: TreeCursor, b: TreeCursor): void {
    const start = a.end;
    const end = start + commonLength(a.content, start, b.content, b.end);
    let last = start;
    while (a.end < end && a.next() && a.end <= end) {
      this.#entriesLeft--;
      last = a.end;
    }
    a.moveTo(last);
    b.moveTo(b.end + last - start);
  }

  /** Both sides have the same name, and are folders or aren't. */
  #compareEntry(
    a: TreeCursor | undefined,
    b: TreeCursor | undefined,
    folder: string,
    depth: number,
  ): void {
    if (--this.#entriesLeft < 0) throw new DiffTooHardError("large-difference");
    const named = a ?? b;
    if (named === undefined) return;
    if (a !== undefined && b !== undefined && isSameEntry(a, b)) return;
    const path = folder + named.name.toString("latin1");
    const isTree = isTreeMode(named.mode);
    if (this.#selected?.selects(path, isTree) === false) return;
    if (isTree) {
      this.compare(a?.oid, b?.oid, `${path}/`, depth + 1);
      return;
    }
    if (this.pairs.length >= PAIRS_MAX) throw new DiffTooHardError("large-difference");
    const missing = { path, mode: 0, oid: this.#zero };
    const from = a === undefined ? missing : { path, mode: canonicalMode(a.mode), oid: a.oid };
    const to = b === undefined ? missing : { path, mode: canonicalMode(b.mode), oid: b.oid };
    this.pairs.push(createPair(from, to));
  }

  #open(tree: Tree): TreeCursor {
    const { format } = this.#objects;
    if (tree === undefined) return new TreeCursor(Buffer.alloc(0), format);
    const object = this.#objects.read(tree, TREE_BYTES_MAX);
    if (object === undefined) throw new ObjectNotFoundError(tree);
    if (object.type !== "tree") throw new CorruptObjectError("object is no tree");
    return new TreeCursor(object.content, format);
  }
}
