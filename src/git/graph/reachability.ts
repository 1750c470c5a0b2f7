import { CommitFlags } from "./commit-flags.ts";
import type { CommitStore } from "./commit-store.ts";
import { TASK_STEPS, type Task } from "./task.ts";

const SEEN = 1;

/**
 * Tells whether a commit has another one in its history. Generations tell where the search need
 * not go on: for repositories with a commit-graph.
 *
 * Most commits are on the line of first parents, or were merged into it soon: so that is where the
 * search goes first, and from the end of that line, where generations are those of the commit that
 * is looked for, back to its beginning. Returns `undefined` when it takes more detours from the line
 * than allowed.
 */
export function canReach(
  store: CommitStore,
  from: number,
  to: number,
  detoursMax: number = Number.POSITIVE_INFINITY,
): Task<boolean | undefined> {
  return new ReachabilitySearch(store, to).run(from, detoursMax);
}

class ReachabilitySearch {
  readonly #store: CommitStore;
  readonly #to: number;
  /** The generation of the commit that is looked for. */
  readonly #lowest: number;
  readonly #seen = new CommitFlags();

  constructor(store: CommitStore, to: number) {
    this.#store = store;
    this.#to = to;
    this.#lowest = store.generationOf(to);
  }

  *run(from: number, detoursMax: number): Task<boolean | undefined> {
    // Places where the search goes on, the last one first.
    const open: number[] = [];
    for (let commit = this.#enter(from); commit !== undefined; commit = this.#nextOnLine(commit)) {
      if (commit === this.#to) return true;
      open.push(commit);
      if (open.length % TASK_STEPS === 0) yield;
    }
    let detours = 0;
    for (let commit = open.pop(); commit !== undefined; commit = open.pop()) {
      if (this.#leave(commit, open)) return true;
      if (++detours > detoursMax) return undefined;
      if (detours % TASK_STEPS === 0) yield;
    }
    return false;
  }

  #nextOnLine(commit: number): number | undefined {
    const parent = this.#store.firstParentOf(commit);
    return parent === undefined ? undefined : this.#enter(parent);
  }

  /** The commit, unless it was seen or can't lead to the one that is looked for. */
  #enter(commit: number): number | undefined {
    if (commit === this.#to) return commit;
    // Commits outside of the graph all have the same, infinite generation.
    const generation = this.#store.generationOf(commit);
    if (generation < this.#lowest) return undefined;
    if (generation === this.#lowest && Number.isFinite(generation)) return undefined;
    return this.#seen.addNew(commit, SEEN) ? commit : undefined;
  }

  /** Opens the parents of a commit; `true` when the one that is looked for is among them. */
  #leave(commit: number, open: number[]): boolean {
    const parents = this.#store.parentsOf(commit);
    for (let i = parents.length - 1; i >= 0; i--) {
      const parent = parents[i];
      if (parent === this.#to) return true;
      const entered = parent === undefined ? undefined : this.#enter(parent);
      if (entered !== undefined) open.push(entered);
    }
    return false;
  }
}
