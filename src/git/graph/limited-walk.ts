import { CommitQueue } from "./commit-queue.ts";
import { type ParentRules, processParents, stepsPerTurn } from "./process-parents.ts";
import type { Task } from "./task.ts";
import type { WalkOptions } from "./walk-options.ts";
import { MARK, type WalkState } from "./walk-state.ts";

/** How far git goes on when everything in sight is unwanted: times may be out of order. */
const SLOP = 5;

/**
 * Lists the wanted commits, newest first, after all that excludes some of them is known.
 *
 * Git decides by a few more commits whether it has seen enough; so does this, to find the same.
 */
export function* listLimited(
  state: WalkState,
  tips: readonly number[],
  { since, until }: WalkOptions,
  rules: ParentRules,
): Task<number[]> {
  const { flags, store } = state;
  const queue = new LimitQueue(state);
  for (const tip of tips) queue.put(tip);
  const list: number[] = [];
  let slop = SLOP;
  let time = Number.POSITIVE_INFINITY;
  const turn = stepsPerTurn(rules);
  let steps = 0;
  for (let commit = queue.take(); commit !== undefined; commit = queue.take()) {
    if (++steps % turn === 0) yield;
    const commitTime = store.timeOf(commit);
    if (since !== undefined && commitTime < since) flags.add(commit, MARK.uninteresting);
    processParents(state, commit, rules, (parent) => queue.put(parent));
    if (flags.has(commit, MARK.uninteresting)) {
      state.markParentsUninteresting(commit);
      slop = queue.remainingSlop(time, slop);
      if (slop === 0) break;
      continue;
    }
    if (until !== undefined && commitTime > until) continue;
    time = commitTime;
    list.push(commit);
  }
  return list;
}

class LimitQueue {
  readonly #state: WalkState;
  readonly #queue = new CommitQueue();
  /** A commit that was wanted when the queue was last searched for one. */
  #wanted: number | undefined;

  constructor(state: WalkState) {
    this.#state = state;
  }

  put(commit: number): void {
    this.#queue.put(commit, this.#state.store.timeOf(commit));
  }

  take(): number | undefined {
    const commit = this.#queue.take();
    if (commit === this.#wanted) this.#wanted = undefined;
    return commit;
  }

  /** How many more unwanted commits to look at, after one; `time` is that of the last wanted one. */
  remainingSlop(time: number, slop: number): number {
    const next = this.#queue.peek();
    if (next === undefined) return 0;
    if (time <= this.#state.store.timeOf(next)) return SLOP;
    return this.#hasWanted() ? SLOP : slop - 1;
  }

  #hasWanted(): boolean {
    const { flags } = this.#state;
    if (this.#wanted !== undefined && !flags.has(this.#wanted, MARK.uninteresting)) return true;
    for (const commit of this.#queue.commits()) {
      if (flags.has(commit, MARK.uninteresting)) continue;
      this.#wanted = commit;
      return true;
    }
    return false;
  }
}
