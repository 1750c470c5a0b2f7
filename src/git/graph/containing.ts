import type { CommitStore } from "./commit-store.ts";
import { paintDownToCommon } from "./merge-base.ts";
import { TASK_STEPS, type Task } from "./task.ts";
import { MARK, WalkState } from "./walk-state.ts";

/**
 * Finds the commits whose history contains `target`, as `git for-each-ref --contains`; a commit
 * contains itself.
 *
 * History is walked once for all of them, from new to old and no further than where everything that
 * is left is also in the history of `target`.
 */
export function* findContaining(
  store: CommitStore,
  target: number,
  commits: readonly number[],
): Task<ReadonlySet<number>> {
  const others = commits.filter((commit) => commit !== target);
  const state = new WalkState(store);
  yield* paintDownToCommon(state, target, others, store.generationOf(target), true);
  const descent = new Descent(state, target);
  const containing = new Set<number>();
  for (const commit of commits) {
    if (yield* descent.reachesTarget(commit)) containing.add(commit);
  }
  return containing;
}

/** What may be on the way to the target: it was painted, and isn't in the target's own history. */
const PAINTED = MARK.parent1 | MARK.parent2;

/** Goes down from commits to the target, to each commit once. */
class Descent {
  readonly #state: WalkState;
  /** From where the search began to where it is, with the parents that are still to be tried. */
  #path: { readonly commit: number; readonly parents: Iterator<number> }[] = [];

  constructor(state: WalkState, target: number) {
    this.#state = state;
    state.flags.add(target, MARK.shown);
  }

  *reachesTarget(start: number): Task<boolean> {
    const { flags } = this.#state;
    this.#path = [];
    let steps = 0;
    for (let next: number | undefined = start; next !== undefined; next = this.#nextParent()) {
      if (++steps % TASK_STEPS === 0) yield;
      if (flags.has(next, MARK.shown)) {
        for (const { commit } of this.#path) flags.add(commit, MARK.shown);
        return true;
      }
      this.#enter(next);
    }
    return false;
  }

  #enter(commit: number): void {
    const { flags, store } = this.#state;
    const isOnTheWay = (flags.get(commit) & PAINTED) === MARK.parent2;
    if (!isOnTheWay || !flags.addNew(commit, MARK.explored)) return;
    this.#path.push({ commit, parents: store.parentsOf(commit).values() });
  }

  #nextParent(): number | undefined {
    for (let last = this.#path.at(-1); last !== undefined; last = this.#path.at(-1)) {
      const parent = last.parents.next();
      if (parent.done !== true) return parent.value;
      this.#path.pop();
    }
    return undefined;
  }
}
