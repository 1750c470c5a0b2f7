import { CommitFlags } from "./commit-flags.ts";
import type { CommitStore } from "./commit-store.ts";
import type { FirstParentSkips } from "./first-parent-skips.ts";
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
  return new ReachabilitySearch(store, to, detoursMax).run(from);
}

class ReachabilitySearch {
  readonly #store: CommitStore;
  readonly #to: number;
  /** The generation of the commit that is looked for. */
  readonly #lowest: number;
  readonly #seen = new CommitFlags();
  #detoursLeft: number;
  #steps = 0;

  constructor(store: CommitStore, to: number, detoursMax: number) {
    this.#store = store;
    this.#detoursLeft = detoursMax;
    this.#to = to;
    this.#lowest = store.generationOf(to);
  }

  *run(from: number): Task<boolean | undefined> {
    // Places where the search goes on, the last one first.
    const open: number[] = [];
    for (let commit = this.#enter(from); commit !== undefined; commit = this.#nextOnLine(commit)) {
      if (commit === this.#to) return true;
      const skips = this.#skipsOf(commit);
      if (skips !== undefined) {
        const found = yield* this.#searchLine(skips, commit);
        if (found !== false) return found;
        break;
      }
      open.push(commit);
      if (open.length % TASK_STEPS === 0) yield;
    }
    return yield* this.#search(open);
  }

  #skipsOf(commit: number): FirstParentSkips | undefined {
    const isOrdered = Number.isFinite(this.#lowest + this.#store.generationOf(commit));
    return isOrdered ? this.#store.skipsOf(commit) : undefined;
  }

  /** Searches from a line of first parents: its end is found without going there step by step. */
  *#searchLine(skips: FirstParentSkips, from: number): Task<boolean | undefined> {
    yield* skips.learn(from);
    const last = skips.lastAbove(from, this.#lowest);
    if (this.#store.firstParentOf(last) === this.#to) return true;
    for (const commit of skips.upwards(from, last)) {
      this.#seen.addNew(commit, SEEN);
      const found = yield* this.#search([commit]);
      if (found !== false) return found;
    }
    return false;
  }

  *#search(open: number[]): Task<boolean | undefined> {
    for (let commit = open.pop(); commit !== undefined; commit = open.pop()) {
      if (this.#leave(commit, open)) return true;
      if (--this.#detoursLeft < 0) return undefined;
      if (++this.#steps % TASK_STEPS === 0) yield;
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
