import type { CommitStore } from "./commit-store.ts";
import { PathFilter } from "./path-filter.ts";
import type { PathSelection } from "./path-selection.ts";
import { TreeComparison } from "./tree-comparison.ts";
import { MARK, type WalkState } from "./walk-state.ts";

/**
 * Leaves out of a history what has nothing to do with some paths, as git does by default.
 *
 * A merge that has the paths as one of its parents has them is as good as that parent: the others
 * are no longer followed.
 */
export class PathSimplifier {
  readonly #selection: PathSelection;
  readonly #firstParent: boolean;
  readonly #trees: TreeComparison;
  readonly #filter: PathFilter;

  constructor(store: CommitStore, selection: PathSelection, firstParent: boolean) {
    this.#selection = selection;
    this.#firstParent = firstParent;
    this.#trees = new TreeComparison(store.objects);
    this.#filter = new PathFilter(store, selection.paths);
  }

  /** Marks a commit that changes nothing, and makes its walk follow the one parent that matters. */
  simplify(state: WalkState, commit: number): void {
    const parents = state.parentsOf(commit);
    const same = parents.find((parent, i) => this.#isSame(state, parent, commit, i));
    if (same !== undefined) state.replaceParents(commit, [same]);
    const isSame = same !== undefined || !this.#changesAnything(state, commit, parents);
    if (isSame) state.flags.add(commit, MARK.treeSame);
  }

  /** `true` for a parent that is worth following and has the paths as the commit has them. */
  #isSame(state: WalkState, parent: number, commit: number, i: number): boolean {
    if ((i > 0 && this.#firstParent) || !isRelevantCommit(state, parent)) return false;
    state.parse(parent);
    return !this.#isChanged(state, parent, commit, i === 0);
  }

  /** Compares a commit that isn't the same as any of its relevant parents. */
  #changesAnything(state: WalkState, commit: number, parents: readonly number[]): boolean {
    if (parents.length === 0) return this.#isChanged(state, undefined, commit, true);
    const compared = this.#firstParent ? parents.slice(0, 1) : parents;
    if (compared.some((parent) => isRelevantCommit(state, parent))) return true;
    // Git counts the second parent as relevant even where it doesn't compare it.
    const second = parents[1];
    if (this.#firstParent && second !== undefined && isRelevantCommit(state, second)) return false;
    return compared.some((parent, i) => {
      state.parse(parent);
      return this.#isChanged(state, parent, commit, i === 0);
    });
  }

  #isChanged(
    { store }: WalkState,
    parent: number | undefined,
    commit: number,
    isFirst: boolean,
  ): boolean {
    // The filters know about changes to the first parent.
    if (isFirst && !this.#filter.mayChange(commit)) return false;
    const before = parent === undefined ? undefined : store.treeOf(parent);
    return this.#trees.isDifferent(before, store.treeOf(commit), this.#selection.root);
  }
}

/** A parent that the walk may still reach, or where the caller has ended it. */
function isRelevantCommit({ flags }: WalkState, commit: number): boolean {
  return (flags.get(commit) & (MARK.uninteresting | MARK.bottom)) !== MARK.uninteresting;
}
