import { ObjectNotFoundError } from "../object/object-error.ts";
import { CommitFlags } from "./commit-flags.ts";
import type { CommitStore } from "./commit-store.ts";

/**
 * Marks of commits in a walk. `parsed` matters for the result: like git, a walk passes marks on to
 * ancestors only through commits that it has looked at, so that with times out of order its result
 * may depend on which those are.
 */
export const MARK = {
  parsed: 0x1,
  seen: 0x2,
  uninteresting: 0x4,
  added: 0x8,
  shown: 0x10,
  childShown: 0x20,
  boundary: 0x40,
  left: 0x80,
  explored: 0x100,
  indegree: 0x200,
  parent1: 0x400,
  parent2: 0x800,
  stale: 0x1000,
  result: 0x2000,
  enqueued: 0x4000,
  bottom: 0x8000,
  treeSame: 0x10000,
} as const;

/** The commits of one walk and their marks. */
export class WalkState {
  readonly store: CommitStore;
  readonly flags: CommitFlags = new CommitFlags();
  /** Parents that count in this walk instead of a commit's own. */
  readonly #parents = new Map<number, readonly number[]>();

  constructor(store: CommitStore) {
    this.store = store;
  }

  /** The parents of a commit in this walk. */
  parentsOf(commit: number): readonly number[] {
    if (this.#parents.size === 0) return this.store.parentsOf(commit);
    return this.#parents.get(commit) ?? this.store.parentsOf(commit);
  }

  replaceParents(commit: number, parents: readonly number[]): void {
    this.#parents.set(commit, parents);
  }

  /** Looks at a commit for the first time: its object has to be there. */
  parse(commit: number): void {
    if (!this.flags.addNew(commit, MARK.parsed)) return;
    this.store.timeOf(commit);
  }

  /** As `parse`, for a commit that may be missing: then returns `false`. */
  tryParse(commit: number): boolean {
    if (this.flags.has(commit, MARK.parsed)) return true;
    try {
      this.store.timeOf(commit);
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return false;
      throw error;
    }
    this.flags.add(commit, MARK.parsed);
    return true;
  }

  /** The parents of a commit, none if it wasn't looked at. */
  knownParents(commit: number): readonly number[] {
    return this.flags.has(commit, MARK.parsed) ? this.parentsOf(commit) : NONE;
  }

  /** The time of a commit, 0 if it wasn't looked at. */
  knownTime(commit: number): number {
    return this.flags.has(commit, MARK.parsed) ? this.store.timeOf(commit) : 0;
  }

  /** Marks the ancestors of a commit as not wanted, as far as they were looked at. */
  markParentsUninteresting(commit: number): void {
    const { flags } = this;
    const pending = [...this.knownParents(commit)];
    for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
      if (!flags.addNew(parent, MARK.uninteresting)) continue;
      pending.push(...this.knownParents(parent));
    }
  }
}

const NONE: readonly number[] = [];
