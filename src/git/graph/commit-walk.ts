import { CommitFlags } from "./commit-flags.ts";
import { CommitQueue } from "./commit-queue.ts";
import type { CommitStore } from "./commit-store.ts";
import { listLimited } from "./limited-walk.ts";
import { PathSimplifier } from "./path-simplifier.ts";
import { type ParentRules, processParents, stepsPerTurn } from "./process-parents.ts";
import { TASK_STEPS, type Task } from "./task.ts";
import { sortTopologically } from "./topological-order.ts";
import { TopologicalWalk } from "./topological-walk.ts";
import type { WalkedCommit, WalkOptions } from "./walk-options.ts";
import { MARK, WalkState } from "./walk-state.ts";

/** What a walk yields between commits, to say that it has worked for a while. */
export type WalkStep = WalkedCommit | undefined;

/**
 * Walks through history exactly as `git rev-list` does: the same commits in the same order.
 *
 * Yields `undefined` between commits now and then, for others to work. Throws
 * `ObjectNotFoundError` and `CorruptObjectError` where git refuses to go on.
 */
export function* walkCommits(
  store: CommitStore,
  options: WalkOptions,
): Generator<WalkStep, void, undefined> {
  const walk = new CommitWalk(store, options);
  if (options.reverse !== true) {
    yield* walk.run();
    return;
  }
  const commits: WalkedCommit[] = [];
  for (const step of walk.run()) {
    if (step === undefined) yield undefined;
    else commits.push(step);
  }
  yield* commits.reverse();
}

/** Counts the commits of a walk. */
export function* countCommits(store: CommitStore, options: WalkOptions): Task<number> {
  if (isWhole(options)) return yield* countReachable(store, options.tips);
  let count = 0;
  const walk = new CommitWalk(store, { ...options, reverse: false });
  for (const step of walk.chosen()) {
    if (step === undefined) yield;
    else count++;
  }
  return count;
}

/** What leaves out some of the commits that the tips reach. */
const RESTRICTIONS = [
  ...(["firstParent", "skip", "limit", "paths"] as const),
  ...(["since", "until", "parentsMin", "parentsMax", "filter"] as const),
];

/** Whether all is wanted that the tips reach: then the order of the walk doesn't matter. */
function isWhole(options: WalkOptions): boolean {
  const { tips, order = "default" } = options;
  // Grafts may form circles, of which other orders show nothing.
  if (order !== "default" || tips.some(({ isExcluded }) => isExcluded === true)) return false;
  return RESTRICTIONS.every((name) => options[name] === undefined || options[name] === false);
}

function* countReachable(store: CommitStore, tips: WalkOptions["tips"]): Task<number> {
  const flags = new CommitFlags();
  const stack = tips.map(({ oid }) => store.get(oid)).filter((tip) => flags.addNew(tip, MARK.seen));
  let count = 0;
  for (let commit = stack.pop(); commit !== undefined; commit = stack.pop()) {
    if (++count % TASK_STEPS === 0) yield;
    for (const parent of store.parentsOf(commit)) {
      if (flags.addNew(parent, MARK.seen)) stack.push(parent);
    }
  }
  return count;
}

class CommitWalk {
  readonly #state: WalkState;
  readonly #options: WalkOptions;
  readonly #rules: ParentRules;
  /** Parents of commits that were yielded, which may be boundaries. */
  readonly #bordering: number[] = [];

  constructor(store: CommitStore, options: WalkOptions) {
    this.#state = new WalkState(store);
    this.#options = options;
    const { firstParent = false, paths } = options;
    const simplifier = paths && new PathSimplifier(store, paths, firstParent);
    this.#rules = { firstParent, simplifier };
  }

  *run(): Generator<WalkStep, void, undefined> {
    for (const commit of this.chosen()) {
      if (commit === undefined) {
        yield undefined;
        continue;
      }
      this.#state.flags.add(commit, MARK.shown);
      if (this.#options.boundary === true) this.#noteBorder(commit);
      yield this.#describe(commit, false);
    }
    if (this.#options.boundary !== true) return;
    for (const commit of yield* this.#boundary()) yield this.#describe(commit, true);
  }

  /** The commits that pass all filters, as far as they aren't skipped or too many. */
  *chosen(): Generator<number | undefined, void, undefined> {
    const { limit = Number.POSITIVE_INFINITY } = this.#options;
    let { skip = 0 } = this.#options;
    if (limit <= 0) return;
    let count = 0;
    for (const commit of this.#found()) {
      if (commit === undefined || !this.#isWanted(commit)) {
        if (commit === undefined) yield undefined;
      } else if (skip > 0) {
        skip--;
      } else {
        yield commit;
        if (++count >= limit) return;
      }
    }
  }

  /** All commits that the walk comes upon, in order. */
  *#found(): Generator<number | undefined, void, undefined> {
    const { store } = this.#state;
    const { order = "default" } = this.#options;
    const tips = this.#prepareTips();
    const isExcluding = this.#options.tips.some(({ isExcluded }) => isExcluded === true);
    if (order !== "default" && store.graph?.hasGenerations === true) {
      yield* this.#foundTopologically(tips);
    } else if (order !== "default" || isExcluding) {
      const list = yield* listLimited(this.#state, tips, this.#options, this.#rules);
      yield* order === "default" ? list : yield* sortTopologically(this.#state, list, order);
    } else {
      yield* this.#foundByTime(tips);
    }
  }

  *#foundByTime(tips: readonly number[]): Generator<number | undefined, void, undefined> {
    const { store } = this.#state;
    const { since } = this.#options;
    const queue = new CommitQueue();
    const put = (commit: number): void => queue.put(commit, store.timeOf(commit));
    for (const tip of tips) put(tip);
    const turn = stepsPerTurn(this.#rules);
    let steps = 0;
    for (let commit = queue.take(); commit !== undefined; commit = queue.take()) {
      if (++steps % turn === 0) yield undefined;
      if (since !== undefined && store.timeOf(commit) < since) continue;
      processParents(this.#state, commit, this.#rules, put);
      yield commit;
    }
  }

  *#foundTopologically(tips: readonly number[]): Generator<number | undefined, void, undefined> {
    const { since } = this.#options;
    const walk = new TopologicalWalk(this.#state, this.#options, this.#rules);
    yield* walk.start(tips);
    const turn = stepsPerTurn(this.#rules);
    let steps = 0;
    for (let commit = walk.take(); commit !== undefined; commit = walk.take()) {
      if (++steps % turn === 0) yield undefined;
      if (since !== undefined && this.#state.store.timeOf(commit) < since) continue;
      yield* walk.expand(commit);
      yield commit;
    }
  }

  /** Marks the tips, and returns each of them once, newest first. */
  #prepareTips(): number[] {
    const { store, flags } = this.#state;
    const tips = this.#options.tips.map(({ oid, isExcluded, isLeft }) => {
      const commit = store.get(oid);
      this.#state.parse(commit);
      if (isExcluded === true) flags.add(commit, MARK.uninteresting | MARK.bottom);
      if (isLeft === true) flags.add(commit, MARK.left);
      return commit;
    });
    const unique: number[] = [];
    for (const tip of tips) {
      if (flags.has(tip, MARK.uninteresting)) this.#state.markParentsUninteresting(tip);
      if (flags.addNew(tip, MARK.seen)) unique.push(tip);
    }
    return unique.sort((a, b) => store.timeOf(b) - store.timeOf(a));
  }

  #isWanted(commit: number): boolean {
    const { store, flags } = this.#state;
    const { until, filter, parentsMin = 0, parentsMax } = this.#options;
    if (flags.has(commit, MARK.shown | MARK.uninteresting | MARK.treeSame)) return false;
    if (until !== undefined && store.timeOf(commit) > until) return false;
    if (parentsMin > 0 || parentsMax !== undefined) {
      const { length } = this.#state.parentsOf(commit);
      if (length < parentsMin || length > (parentsMax ?? length)) return false;
    }
    return filter === undefined || filter(store.contentOf(commit));
  }

  #noteBorder(commit: number): void {
    for (const parent of this.#state.parentsOf(commit)) {
      const { flags } = this.#state;
      if (flags.has(parent, MARK.shown)) continue;
      if (flags.addNew(parent, MARK.childShown)) this.#bordering.push(parent);
    }
  }

  *#boundary(): Task<number[]> {
    const { flags } = this.#state;
    const bordering = this.#bordering.filter((commit) => !flags.has(commit, MARK.shown));
    const { order = "default" } = this.#options;
    return yield* sortTopologically(this.#state, bordering.reverse(), order);
  }

  #describe(commit: number, isBoundary: boolean): WalkedCommit {
    const { store, flags } = this.#state;
    return { oid: store.oidOf(commit), isBoundary, isLeft: flags.has(commit, MARK.left) };
  }
}
