import { setImmediate as nextTurn } from "node:timers/promises";
import { parseCommitLinks } from "../object/commit-object.ts";
import type { ObjectDatabase } from "../object/object-database.ts";
import { CorruptObjectError, ObjectTooLargeError } from "../object/object-error.ts";
import { TagObject } from "../object/tag-object.ts";
import { objectTypeOfMode, TreeCursor } from "../object/tree-object.ts";
import type { Oid } from "../oid/oid.ts";

/** What is known of a repository before a push. */
export interface KnownObjects {
  /**
   * Whether everything that a commit leads to is there, since a reference leads to it. Undefined
   * when that would take long to find out; false when the commit is new.
   */
  isComplete(commit: Oid): Promise<boolean | undefined>;
}

/** Objects that are read before the question is left to git, which asks it with less memory. */
export const CONNECTIVITY_OBJECTS_MAX: number = 20_000;

/** Objects between two looks at what else there is to do. */
const OBJECTS_PER_TURN = 200;

/** The question is too large, or can't be answered with a clear yes. */
class UndecidedError extends Error {}

/**
 * Finds out whether everything that `tips` lead to is there: a yes is certain, a no means that git
 * has to be asked, since it is stricter here and milder there, and has words for what is missing.
 *
 * As `git rev-list --objects … --not --all`, it doesn't look behind commits that the repository's
 * references lead to, nor into what their trees have at the same place.
 *
 * @param objects those of the repository and of the push
 */
export async function isConnected(
  objects: ObjectDatabase,
  tips: Iterable<Oid>,
  known: KnownObjects,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await new ConnectivityWalk(objects, known, signal).run(tips);
    return true;
  } catch (error) {
    const isUnclear = error instanceof UndecidedError || error instanceof CorruptObjectError;
    if (isUnclear || error instanceof ObjectTooLargeError) return false;
    throw error;
  }
}

class ConnectivityWalk {
  readonly #objects: ObjectDatabase;
  readonly #known: KnownObjects;
  readonly #signal: AbortSignal;
  readonly #seen = new Set<Oid>();
  #count = 0;
  #nextTurnAt = OBJECTS_PER_TURN;

  constructor(objects: ObjectDatabase, known: KnownObjects, signal: AbortSignal) {
    this.#objects = objects;
    this.#known = known;
    this.#signal = signal;
  }

  async run(tips: Iterable<Oid>): Promise<void> {
    const commits: Oid[] = [];
    for (const tip of tips) {
      const commit = await this.#peel(tip);
      if (commit !== undefined) commits.push(commit);
    }
    for (let commit = commits.pop(); commit !== undefined; commit = commits.pop()) {
      if (this.#seen.has(commit)) continue;
      this.#seen.add(commit);
      const isComplete = await this.#known.isComplete(commit);
      if (isComplete === undefined) throw new UndecidedError();
      if (isComplete) continue;
      const { tree, parents } = parseCommitLinks(
        this.#read(commit, "commit"),
        this.#objects.format,
      );
      const bases = parents.flatMap((parent) => this.#treeOf(parent) ?? []);
      await this.#checkTree(tree, bases);
      commits.push(...parents);
      await this.#takeTurn();
    }
  }

  /** Follows tags. A tip that isn't a commit in the end is checked at once. */
  async #peel(tip: Oid): Promise<Oid | undefined> {
    for (let oid = tip; !this.#seen.has(oid); ) {
      const type = this.#objects.typeOf(oid);
      if (type === undefined) throw new UndecidedError();
      if (type === "commit") return oid;
      if (type === "tree") return void (await this.#checkTree(oid, []));
      this.#see(oid);
      if (type === "blob") return undefined;
      oid = new TagObject(this.#read(oid, "tag"), this.#objects.format).object;
    }
    return undefined;
  }

  /** Undefined for a commit that is missing, which shows when its turn comes. */
  #treeOf(commit: Oid): Oid | undefined {
    const object = this.#objects.read(commit);
    if (object?.type !== "commit") return undefined;
    return parseCommitLinks(object.content, this.#objects.format).tree;
  }

  /** Checks what a tree has and `bases`, the trees at the same place before, have not. */
  async #checkTree(root: Oid, rootBases: readonly Oid[]): Promise<void> {
    const pending = [{ tree: root, bases: rootBases }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { tree, bases } = next;
      if (bases.includes(tree) || this.#seen.has(tree)) continue;
      this.#see(tree);
      await this.#takeTurn();
      pending.push(...this.#newSubtrees(tree, bases));
    }
  }

  /** Checks the blobs of one tree; its subtrees are left to the caller. */
  #newSubtrees(tree: Oid, bases: readonly Oid[]): { tree: Oid; bases: readonly Oid[] }[] {
    const before = bases.map((base) => this.#entriesOf(base));
    const found: { tree: Oid; bases: readonly Oid[] }[] = [];
    const cursor = new TreeCursor(this.#read(tree, "tree"), this.#objects.format);
    while (cursor.next()) {
      const type = objectTypeOfMode(cursor.mode);
      // The commit of a submodule is in another repository.
      if (type === "commit") continue;
      const { oid } = cursor;
      const name = cursor.name.toString("latin1");
      const old = before.flatMap((entries) => entries.get(`${type} ${name}`) ?? []);
      if (old.includes(oid) || this.#seen.has(oid)) continue;
      if (type === "tree") found.push({ tree: oid, bases: old });
      else this.#checkBlob(oid);
    }
    return found;
  }

  #checkBlob(oid: Oid): void {
    this.#see(oid);
    if (this.#objects.typeOf(oid) !== "blob") throw new UndecidedError();
  }

  #entriesOf(tree: Oid): ReadonlyMap<string, Oid> {
    const entries = new Map<string, Oid>();
    const object = this.#objects.read(tree);
    if (object?.type !== "tree") return entries;
    const cursor = new TreeCursor(object.content, this.#objects.format);
    while (cursor.next()) {
      entries.set(`${objectTypeOfMode(cursor.mode)} ${cursor.name.toString("latin1")}`, cursor.oid);
    }
    return entries;
  }

  #read(oid: Oid, type: "commit" | "tree" | "tag"): Buffer {
    const object = this.#objects.read(oid);
    if (object?.type !== type) throw new UndecidedError();
    this.#see(oid);
    return object.content;
  }

  #see(oid: Oid): void {
    this.#seen.add(oid);
    if (++this.#count > CONNECTIVITY_OBJECTS_MAX) throw new UndecidedError();
  }

  async #takeTurn(): Promise<void> {
    if (this.#count < this.#nextTurnAt) return;
    this.#nextTurnAt = this.#count + OBJECTS_PER_TURN;
    await nextTurn();
    this.#signal.throwIfAborted();
  }
}
