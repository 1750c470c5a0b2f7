import { CommitQueue } from "./commit-queue.ts";
import type { CommitStore } from "./commit-store.ts";
import { type ParentRules, processParents, stepsPerTurn } from "./process-parents.ts";
import type { Task } from "./task.ts";
import { ReadyCommits } from "./topological-order.ts";
import type { WalkOptions } from "./walk-options.ts";
import { MARK, type WalkState } from "./walk-state.ts";

/**
 * A walk on which no parent comes before its children, found step by step.
 *
 * Generations tell when all children of a commit are known: three walks follow one another, the
 * first passes on what is unwanted, the second counts children, the third yields.
 */
export class TopologicalWalk {
  readonly #state: WalkState;
  readonly #options: WalkOptions;
  readonly #rules: ParentRules;
  readonly #explore: GenerationQueue;
  readonly #count: GenerationQueue;
  readonly #ready: ReadyCommits;
  /** One more than the number of children that aren't yielded yet; 0 once the commit itself is. */
  readonly #degrees = new Map<number, number>();
  readonly #turn: number;
  #steps = 0;
  #lowest = Number.POSITIVE_INFINITY;

  constructor(state: WalkState, options: WalkOptions, rules: ParentRules) {
    this.#state = state;
    this.#options = options;
    this.#rules = rules;
    this.#turn = stepsPerTurn(rules);
    this.#explore = new GenerationQueue(state, MARK.explored);
    this.#count = new GenerationQueue(state, MARK.indegree);
    this.#ready = new ReadyCommits(state, options.order ?? "topo");
  }

  /** Begins at these commits, each of them once. */
  *start(tips: readonly number[]): Task<void> {
    const { store } = this.#state;
    for (const tip of tips) {
      this.#explore.put(tip);
      this.#count.put(tip);
      this.#lowest = Math.min(this.#lowest, store.generationOf(tip));
      this.#degrees.set(tip, 1);
    }
    yield* this.#countTo(this.#lowest);
    for (const tip of tips) if (this.#degrees.get(tip) === 1) this.#ready.put(tip);
    this.#ready.reverse();
  }

  /** The next commit; `expand` has to be called for it before the one after. */
  take(): number | undefined {
    const commit = this.#ready.take();
    if (commit !== undefined) this.#degrees.set(commit, 0);
    return commit;
  }

  /** Makes the parents of a commit follow. */
  *expand(commit: number): Task<void> {
    const { store, flags } = this.#state;
    processParents(this.#state, commit, this.#rules, undefined);
    for (const parent of this.#state.parentsOf(commit)) {
      if (flags.has(parent, MARK.uninteresting)) continue;
      this.#state.parse(parent);
      const generation = store.generationOf(parent);
      if (generation < this.#lowest) {
        this.#lowest = generation;
        yield* this.#countTo(generation);
      }
      const degree = (this.#degrees.get(parent) ?? 0) - 1;
      this.#degrees.set(parent, degree);
      if (degree === 1) this.#ready.put(parent);
      if (this.#rules.firstParent) return;
    }
  }

  *#countTo(generation: number): Task<void> {
    for (;;) {
      const commit = this.#count.takeFrom(generation);
      if (commit === undefined) return;
      if (++this.#steps % this.#turn === 0) yield;
      if (!this.#state.tryParse(commit)) continue;
      const own = this.#state.store.generationOf(commit);
      if (this.#explore.hasFrom(own)) yield* this.#exploreTo(own);
      this.#countParents(commit);
    }
  }

  #countParents(commit: number): void {
    for (const parent of this.#state.parentsOf(commit)) {
      if (!this.#state.tryParse(parent)) return;
      const degree = this.#degrees.get(parent) ?? 0;
      this.#degrees.set(parent, degree === 0 ? 2 : degree + 1);
      this.#count.put(parent);
      if (this.#rules.firstParent) return;
    }
  }

  *#exploreTo(generation: number): Task<void> {
    for (;;) {
      const commit = this.#explore.takeFrom(generation);
      if (commit === undefined) return;
      if (++this.#steps % this.#turn === 0) yield;
      if (this.#state.tryParse(commit)) this.#exploreCommit(commit);
    }
  }

  #exploreCommit(commit: number): void {
    const { flags, store } = this.#state;
    const { since } = this.#options;
    if (since !== undefined && store.timeOf(commit) < since) flags.add(commit, MARK.uninteresting);
    processParents(this.#state, commit, this.#rules, undefined);
    if (flags.has(commit, MARK.uninteresting)) this.#state.markParentsUninteresting(commit);
    for (const parent of this.#state.knownParents(commit)) this.#explore.put(parent);
  }
}

/** Commits by generation, then by time, each put in once. */
class GenerationQueue {
  readonly #state: WalkState;
  readonly #store: CommitStore;
  readonly #mark: number;
  readonly #queue = new CommitQueue();

  constructor(state: WalkState, mark: number) {
    this.#state = state;
    this.#store = state.store;
    this.#mark = mark;
  }

  put(commit: number): void {
    if (!this.#state.flags.addNew(commit, this.#mark)) return;
    // A commit whose object is missing comes first, and is passed over then.
    const isThere = this.#state.tryParse(commit);
    const generation = isThere ? this.#store.generationOf(commit) : Number.POSITIVE_INFINITY;
    this.#queue.put(commit, generation, isThere ? this.#store.timeOf(commit) : 0);
  }

  /** `true` when there is a commit with this generation or a higher one. */
  hasFrom(generation: number): boolean {
    const commit = this.#queue.peek();
    return commit !== undefined && this.#store.generationOf(commit) >= generation;
  }

  /** Takes out the first commit if its generation is this or a higher one. */
  takeFrom(generation: number): number | undefined {
    return this.hasFrom(generation) ? this.#queue.take() : undefined;
  }
}
