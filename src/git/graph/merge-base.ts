import type { CommitFlags } from "./commit-flags.ts";
import { CommitQueue } from "./commit-queue.ts";
import type { CommitStore } from "./commit-store.ts";
import { canReach } from "./reachability.ts";
import { TASK_STEPS, type Task } from "./task.ts";
import { MARK, WalkState } from "./walk-state.ts";

const BOTH = MARK.parent1 | MARK.parent2;
const SIDES = BOTH | MARK.stale;

/**
 * Finds the best common ancestors of `one` and the merge of `others`, in git's order: newest first.
 *
 * As `git merge-base`, with `--all` or without. Without it, the first of the result is the one
 * that git prints; there may be others.
 */
export function* mergeBases(
  store: CommitStore,
  one: number,
  others: readonly number[],
  all: boolean,
): Task<number[]> {
  if (others.includes(one)) return [one];
  // With times out of order and levels only, git may be content with another one first.
  const isCertain = all || store.graph?.hasCorrectedDates === true;
  const ancestor = isCertain ? yield* findAncestor(store, one, others) : undefined;
  if (ancestor !== undefined) return [ancestor];
  const painted = yield* paintDownToCommon(new WalkState(store), one, others, 0, all);
  const bases = painted.results.filter((base) => !painted.state.flags.has(base, MARK.stale));
  if (bases.length <= 1) return bases;
  const independent = yield* removeRedundant(store, bases);
  return sortByTime(store, independent);
}

/**
 * That of two commits which is an ancestor of the other, if there is one and generations lead to it
 * soon: it is their only merge base. That spares going through all that was merged in between.
 */
function* findAncestor(
  store: CommitStore,
  one: number,
  others: readonly number[],
): Task<number | undefined> {
  const [other = one] = others;
  if (others.length !== 1 || store.graph?.hasGenerations !== true) return undefined;
  const isOlder = store.generationOf(one) <= store.generationOf(other);
  const [older, newer] = isOlder ? [one, other] : [other, one];
  return (yield* canReach(store, newer, older, DETOURS_MAX)) === true ? older : undefined;
}

/** Commits beside the line of first parents that are looked at before the search is given up. */
const DETOURS_MAX = 4096;

/** As `git merge-base --is-ancestor`; a commit is its own ancestor. */
export function* isAncestor(
  store: CommitStore,
  ancestor: number,
  descendant: number,
): Task<boolean> {
  if (ancestor === descendant) return true;
  if (store.graph?.hasGenerations === true) {
    return (yield* canReach(store, descendant, ancestor)) === true;
  }
  const { state } = yield* paintDownToCommon(
    new WalkState(store),
    ancestor,
    [descendant],
    store.generationOf(ancestor),
    true,
  );
  return state.flags.has(ancestor, MARK.parent2);
}

/** Leaves out the commits that can be reached from others, as `git merge-base --independent`. */
export function* removeRedundant(store: CommitStore, commits: readonly number[]): Task<number[]> {
  const redundant = new Set<number>();
  for (const commit of commits) {
    if (redundant.has(commit)) continue;
    const others = commits.filter((other) => other !== commit && !redundant.has(other));
    const lowest = Math.min(...[commit, ...others].map((each) => store.generationOf(each)));
    const state = new WalkState(store);
    yield* paintDownToCommon(state, commit, others, lowest, true);
    if (state.flags.has(commit, MARK.parent2)) redundant.add(commit);
    for (const other of others) if (state.flags.has(other, MARK.parent1)) redundant.add(other);
  }
  return commits.filter((commit) => !redundant.has(commit));
}

interface Painted {
  readonly state: WalkState;
  /** Common ancestors, newest first; those marked stale are ancestors of others. */
  readonly results: readonly number[];
}

/**
 * Marks what can be reached from `one` and what from `others`, from new to old, until only common
 * ancestors are left. Commits below generation `lowest` aren't looked at.
 */
export function* paintDownToCommon(
  state: WalkState,
  one: number,
  others: readonly number[],
  lowest: number,
  all: boolean,
): Task<Painted> {
  const { store, flags } = state;
  const byTime = lowest === 0 && store.graph?.hasCorrectedDates !== true;
  const queue = new PaintQueue(state, byTime);
  const results: number[] = [];
  for (const commit of [one, ...others]) state.parse(commit);
  flags.add(one, MARK.parent1);
  if (others.length === 0) return { state, results: [one] };
  queue.put(one);
  for (const other of others) {
    flags.add(other, MARK.parent2);
    queue.put(other);
  }
  for (let steps = 1; queue.hasMore(); steps++) {
    if (steps % TASK_STEPS === 0) yield;
    const commit = queue.take();
    const generation = store.generationOf(commit);
    if (generation < lowest) break;
    const isResult = isNewResult(flags, commit);
    if (isResult) results.push(commit);
    // Nothing that is left can be a descendant of this one.
    if (isResult && !all && Number.isFinite(generation)) break;
    paintParents(state, commit, queue);
  }
  return { state, results: sortByTime(store, results) };
}

/** `true` the first time for a common ancestor that isn't known to be one of another. */
function isNewResult(flags: CommitFlags, commit: number): boolean {
  return (flags.get(commit) & SIDES) === BOTH && flags.addNew(commit, MARK.result);
}

function paintParents(state: WalkState, commit: number, queue: PaintQueue): void {
  const { flags, store } = state;
  const own = flags.get(commit) & SIDES;
  // What is above a common ancestor doesn't matter.
  const sides = own === BOTH ? SIDES : own;
  for (const parent of store.parentsOf(commit)) {
    if ((flags.get(parent) & sides) === sides) continue;
    state.parse(parent);
    flags.add(parent, sides);
    queue.put(parent);
  }
}

/** The commits still to be painted, each once, and whether any of them matters. */
class PaintQueue {
  readonly #state: WalkState;
  readonly #byTime: boolean;
  readonly #queue = new CommitQueue();
  /** The last in line of those that weren't stale when they were put in. */
  #lastFresh: number | undefined;

  constructor(state: WalkState, byTime: boolean) {
    this.#state = state;
    this.#byTime = byTime;
  }

  /** `false` when all commits that are left are known to be ancestors of common ones. */
  hasMore(): boolean {
    return this.#lastFresh !== undefined;
  }

  put(commit: number): void {
    const { flags, store } = this.#state;
    if (!flags.addNew(commit, MARK.enqueued)) return;
    const time = store.timeOf(commit);
    if (this.#byTime) this.#queue.put(commit, time);
    else this.#queue.put(commit, store.generationOf(commit), time);
    if (flags.has(commit, MARK.stale)) return;
    const last = this.#lastFresh;
    if (last === undefined || this.#compare(last, commit) <= 0) this.#lastFresh = commit;
  }

  take(): number {
    const commit = this.#queue.take();
    if (commit === undefined) throw new RangeError("queue is empty");
    if (commit === this.#lastFresh) this.#lastFresh = undefined;
    this.#state.flags.remove(commit, MARK.enqueued);
    return commit;
  }

  /** Below 0 when `a` is in line before `b`. */
  #compare(a: number, b: number): number {
    const { store } = this.#state;
    const generationA = this.#byTime ? 0 : store.generationOf(a);
    const generationB = this.#byTime ? 0 : store.generationOf(b);
    if (generationA !== generationB) return generationA < generationB ? 1 : -1;
    return store.timeOf(b) - store.timeOf(a);
  }
}

/** Newest first; equal ones stay in their order. */
export function sortByTime(store: CommitStore, commits: readonly number[]): number[] {
  return commits
    .map((commit) => ({ commit, time: store.timeOf(commit) }))
    .sort((a, b) => b.time - a.time)
    .map(({ commit }) => commit);
}
