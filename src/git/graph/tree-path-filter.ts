import {
  CorruptObjectError,
  ObjectNotFoundError,
  ObjectTooLargeError,
} from "../object/object-error.ts";
import type { Oid } from "../oid/oid.ts";
import type { FolderChanges } from "./changed-names.ts";
import type { CommitStore } from "./commit-store.ts";
import { hashName, TreeTable } from "./tree-table.ts";

/** Larger trees aren't compared as a whole. */
const TREE_BYTES_MAX = 1024 * 1024;

/** Trees that a walk holds: those of the last commits on several lines. */
const TABLES_MAX = 16;

/** One name of a path, in the folder that the names before it lead to. */
interface Step {
  readonly name: Buffer;
  readonly hash: number;
  readonly changes: FolderChanges;
}

/** Tells by their trees which commits leave some paths as they were, and remembers what it saw. */
export class TreePathFilter {
  readonly #store: CommitStore;
  readonly #paths: readonly (readonly Step[])[];
  readonly #tables = new Map<Oid, TreeTable>();
  /** How often trees were compared. */
  looks = 0;

  /** The paths are in git's form, without a slash in the end. */
  constructor(store: CommitStore, paths: readonly Buffer[]) {
    this.#store = store;
    this.#paths = paths.map((path) => stepsOf(store, path));
  }

  /** `false` when a commit surely leaves all paths as they were in its first parent. */
  mayChange(commit: number): boolean {
    return this.#paths.some((steps) => this.#mayChange(commit, steps));
  }

  /** Those of `paths`, numbers of paths, that a commit may change from its first parent. */
  mayChangeOf(commit: number, paths: readonly number[]): readonly number[] {
    return paths.filter((path) => this.#mayChange(commit, this.#paths[path] ?? []));
  }

  #mayChange(commit: number, steps: readonly Step[]): boolean {
    for (const [depth, { hash, changes }] of steps.entries()) {
      const known = changes.mayChange(commit, hash);
      if (!(known ?? this.#compare(commit, steps, depth))) return false;
    }
    return true;
  }

  /** Compares the folder of a step, which is in doubt, with the first parent's. */
  #compare(commit: number, steps: readonly Step[], depth: number): boolean {
    const step = steps[depth];
    const parent = this.#store.firstParentOf(commit);
    if (parent === undefined || step === undefined) return true;
    this.looks++;
    try {
      const roots = [this.#store.treeOf(commit), this.#store.treeOf(parent)];
      const [tree, before] = roots.map((root) => this.#follow(root, steps.slice(0, depth)));
      const names = tree === before ? [] : this.#changedNames(tree, before);
      this.#store.changedNames.note(step.changes, commit, names);
      return names.includes(step.hash);
    } catch (error) {
      // Whoever has to know looks closer.
      if (isUnreadable(error)) return true;
      throw error;
    }
  }

  #follow(root: Oid, steps: readonly Step[]): Oid | undefined {
    let tree: Oid | undefined = root;
    for (const { name } of steps) tree = tree && this.#table(tree).folder(name);
    return tree;
  }

  #changedNames(tree: Oid | undefined, before: Oid | undefined): readonly number[] {
    // Walks go from new to old: it is mostly the older tree that has to be read.
    const hasOlder = before !== undefined && this.#tables.has(before);
    const [known, other] = hasOlder ? [before, tree] : [tree, before];
    const { table, names } = this.#table(known).compare(this.#read(other));
    if (other !== undefined) this.#hold(other, table);
    return names;
  }

  #table(tree: Oid | undefined): TreeTable {
    const known = tree && this.#tables.get(tree);
    if (known !== undefined) return known;
    const table = TreeTable.parse(this.#read(tree), this.#store.objects.format);
    if (tree !== undefined) this.#hold(tree, table);
    return table;
  }

  #hold(tree: Oid, table: TreeTable): void {
    const [oldest] = this.#tables.keys();
    if (this.#tables.size >= TABLES_MAX && oldest !== undefined) this.#tables.delete(oldest);
    this.#tables.set(tree, table);
  }

  /** A folder that isn't there has nothing in it. */
  #read(tree: Oid | undefined): Buffer {
    if (tree === undefined) return NO_CONTENT;
    const object = this.#store.objects.read(tree, TREE_BYTES_MAX);
    if (object === undefined) throw new ObjectNotFoundError(tree);
    if (object.type !== "tree") throw new CorruptObjectError("object is no tree");
    return object.content;
  }
}

const NO_CONTENT = Buffer.alloc(0);

function isUnreadable(error: unknown): boolean {
  return [CorruptObjectError, ObjectNotFoundError, ObjectTooLargeError].some(
    (kind) => error instanceof kind,
  );
}

const SLASH = 0x2f;

function stepsOf({ changedNames }: CommitStore, path: Buffer): Step[] {
  const steps: Step[] = [];
  for (let start = 0; start < path.length; ) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.length : slash;
    const name = path.subarray(start, end);
    const folder = path.toString("latin1", 0, Math.max(start - 1, 0));
    steps.push({ name, hash: hashName(name), changes: changedNames.in(folder) });
    start = end + 1;
  }
  return steps;
}
