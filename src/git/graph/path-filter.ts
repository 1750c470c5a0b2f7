import type { CommitStore } from "./commit-store.ts";
import { GraphPathFilter } from "./graph-path-filter.ts";
import { TreePathFilter } from "./tree-path-filter.ts";

/**
 * Tells which commits surely leave some paths as they were in their first parents: by the filters
 * of the commit-graph where it has them, else by trees.
 */
export class PathFilter {
  readonly #store: CommitStore;
  readonly #paths: readonly Buffer[];
  readonly #graph: GraphPathFilter;
  /** Made for the first commit without a filter: mostly there is none, or there are only such. */
  #trees: TreePathFilter | undefined;

  /** The paths are in git's form, without a slash in the end. */
  constructor(store: CommitStore, paths: readonly Buffer[]) {
    this.#store = store;
    this.#paths = paths;
    this.#graph = new GraphPathFilter(store.graph, paths);
  }

  /** How often trees were compared. */
  get looks(): number {
    return this.#trees?.looks ?? 0;
  }

  /** `false` when a commit surely changes none of the paths. */
  mayChange(commit: number): boolean {
    return this.#graph.mayChange(commit) ?? this.#byTrees().mayChange(commit);
  }

  /** Those of `paths`, numbers of paths, that a commit may change. */
  mayChangeOf(commit: number, paths: readonly number[]): readonly number[] {
    return this.#graph.mayChangeOf(commit, paths) ?? this.#byTrees().mayChangeOf(commit, paths);
  }

  #byTrees(): TreePathFilter {
    this.#trees ??= new TreePathFilter(this.#store, this.#paths);
    return this.#trees;
  }
}
