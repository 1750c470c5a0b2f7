import { ChangedPathFilter } from "./changed-path-filter.ts";
import type { CommitGraph } from "./commit-graph.ts";

/** The changed-path filters of a whole commit-graph, if there is one, asked about some paths. */
export class GraphPathFilter {
  readonly #graph: CommitGraph | undefined;
  readonly #paths: readonly Buffer[];
  readonly #filters: (ChangedPathFilter | undefined)[] = [];
  /** The layer that was asked last, and its commits. */
  #filter: ChangedPathFilter | undefined;
  #start = 0;
  #end = 0;

  /** The paths are in git's form, without a slash in the end. */
  constructor(graph: CommitGraph | undefined, paths: readonly Buffer[]) {
    this.#graph = graph;
    this.#paths = paths;
  }

  /**
   * `false` when a commit surely leaves all paths as they were in its first parent; `undefined` when
   * it has no filter.
   */
  mayChange(commit: number): boolean | undefined {
    return this.#filterOf(commit)?.mayChange(commit - this.#start);
  }

  /**
   * Those of `paths`, numbers of paths, that a commit may change from its first parent; `undefined`
   * when it has no filter.
   */
  mayChangeOf(commit: number, paths: readonly number[]): readonly number[] | undefined {
    return this.#filterOf(commit)?.mayChangeOf(commit - this.#start, paths);
  }

  #filterOf(commit: number): ChangedPathFilter | undefined {
    const isKnown = commit >= this.#start && commit < this.#end;
    return isKnown ? this.#filter : this.#findFilter(commit);
  }

  #findFilter(commit: number): ChangedPathFilter | undefined {
    if (this.#graph === undefined || commit >= this.#graph.count) return undefined;
    const { layer, place } = this.#graph.locate(commit);
    const i = this.#graph.layers.indexOf(layer);
    const filter = this.#filters[i] ?? new ChangedPathFilter(layer, this.#paths);
    this.#filters[i] = filter;
    this.#filter = filter;
    this.#start = commit - place;
    this.#end = this.#start + layer.count;
    return filter;
  }
}
