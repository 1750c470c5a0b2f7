import type { CommitStore } from "./commit-store.ts";
import { GraphPathFilter } from "./graph-path-filter.ts";
import { TreePathFilter } from "./tree-path-filter.ts";

/**
 * Tells which commits surely leave some paths as they were in their first parents: by the filters
 * of the commit-graph where it has them, else by trees.
 */
export class PathFilter {
  readonly #graph: GraphPathFilter;
  readonly #trees: TreePathFilter;

  /** The paths are in git's form, without a slash in the end. */
  constructor(store: CommitStore, paths: readonly Buffer[]) {
    this.#graph = new GraphPathFilter(store.graph, paths);
    this.#trees = new TreePathFilter(store, paths);
  }

  /** How often trees were compared. */
  get looks(): number {
    return this.#trees.looks;
  }

  /** `false` when a commit surely changes none of the paths. */
  mayChange(commit: number): boolean {
    return this.#graph.mayChange(commit) ?? this.#trees.mayChange(commit);
  }

  /** Those of `paths`, numbers of paths, that a commit may change. */
  mayChangeOf(commit: number, paths: readonly number[]): readonly number[] {
    return this.#graph.mayChangeOf(commit, paths) ?? this.#trees.mayChangeOf(commit, paths);
  }
}
