import { parseAuthorTime } from "./author-time.ts";
import { CommitQueue } from "./commit-queue.ts";
import { TASK_STEPS, type Task } from "./task.ts";
import type { WalkOrder } from "./walk-options.ts";
import type { WalkState } from "./walk-state.ts";

/** Commits whose children have all been yielded, in the order in which they are to be yielded. */
export class ReadyCommits {
  readonly #state: WalkState;
  readonly #order: WalkOrder;
  readonly #queue = new CommitQueue();
  readonly #stack: number[] = [];

  constructor(state: WalkState, order: WalkOrder) {
    this.#state = state;
    this.#order = order;
  }

  put(commit: number): void {
    switch (this.#order) {
      case "date":
        this.#queue.put(commit, this.#state.knownTime(commit));
        break;
      case "author-date":
        this.#queue.put(commit, parseAuthorTime(this.#state.store.contentOf(commit)));
        break;
      case "topo":
      case "default":
        // The latest first, so that a line of history isn't torn apart.
        this.#stack.push(commit);
    }
  }

  take(): number | undefined {
    return this.#stack.pop() ?? this.#queue.take();
  }

  /** Makes the first of the commits that were put in come first, when there is no other order. */
  reverse(): void {
    this.#stack.reverse();
  }
}

/** Brings commits into an order in which no parent comes before its children. */
export function* sortTopologically(
  state: WalkState,
  commits: readonly number[],
  order: WalkOrder,
): Task<number[]> {
  const degrees = yield* countChildren(state, commits);
  const ready = new ReadyCommits(state, order);
  for (const commit of commits) if (degrees.get(commit) === 1) ready.put(commit);
  ready.reverse();
  const sorted: number[] = [];
  for (let commit = ready.take(); commit !== undefined; commit = ready.take()) {
    sorted.push(commit);
    if (sorted.length % TASK_STEPS === 0) yield;
    for (const parent of state.knownParents(commit)) {
      const degree = degrees.get(parent) ?? 0;
      if (degree === 2) ready.put(parent);
      if (degree > 0) degrees.set(parent, degree - 1);
    }
    degrees.delete(commit);
  }
  return sorted;
}

/** For each commit, one more than the number of times that it is a parent of others in the list. */
function* countChildren(state: WalkState, commits: readonly number[]): Task<Map<number, number>> {
  const degrees = new Map(commits.map((commit) => [commit, 1]));
  let steps = 0;
  for (const commit of commits) {
    if (++steps % TASK_STEPS === 0) yield;
    for (const parent of state.knownParents(commit)) {
      const degree = degrees.get(parent);
      if (degree !== undefined) degrees.set(parent, degree + 1);
    }
  }
  return degrees;
}
