import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { readIfThere } from "../../base/file/read-if-there.ts";
import type { GitConfig } from "../config/git-config.ts";
import type { ObjectDatabase } from "../object/object-database.ts";
import { type ObjectFormat, type Oid, parseOid } from "../oid/oid.ts";
import { FileVanishedError } from "../pack/file-pool.ts";
import { FileState } from "../pack/file-state.ts";
import type { ReaderResources } from "../pack/reader-resources.ts";
import { CommitGraph, commitGraphChainPath } from "./commit-graph.ts";
import { CommitStore } from "./commit-store.ts";
import { countCommits, walkCommits } from "./commit-walk.ts";
import { findContaining } from "./containing.ts";
import { lastCommits, NO_COMMIT, type PathsInFolder } from "./last-commits.ts";
import { isAncestor, mergeBases, removeRedundant } from "./merge-base.ts";
import { runTask, type Task } from "./task.ts";
import type { WalkedCommit, WalkOptions, WalkTip } from "./walk-options.ts";

/** Where a history is read from. */
export interface CommitHistoryOptions {
  /** The repository's git directory. */
  readonly path: string;
  readonly format: ObjectFormat;
  readonly config: GitConfig;
  readonly objects: ObjectDatabase;
  readonly resources: ReaderResources;
}

/** Tree, parents and time of a commit. */
export interface HistoryCommit {
  readonly oid: Oid;
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  /** The time by which git orders commits, in seconds. */
  readonly committedAt: number;
}

/** How two commits differ in their ancestors. */
export interface Divergence {
  /** Number of commits that can be reached from the left one only, itself included. */
  readonly left: number;
  readonly right: number;
}

/**
 * Questions about the history of a repository, answered as git does.
 *
 * Ids are those of commits: peel tags before, or get an `UnexpectedObjectTypeError`. Methods throw
 * `ObjectNotFoundError` for a missing commit, whether asked for or on the way,
 * `CorruptObjectError` for a damaged one, and the reason of `signal`. All let others work
 * meanwhile.
 */
export class CommitHistory {
  readonly #options: CommitHistoryOptions;
  readonly #states = new Map<string, FileState>();
  #store: CommitStore | undefined;

  constructor(options: CommitHistoryOptions) {
    this.#options = options;
  }

  /** Looks one commit up, cheaply if it is in the commit-graph; `undefined` when it is missing. */
  find(oid: Oid): HistoryCommit | undefined {
    using use = this.#use();
    const { store } = use;
    const commit = store.find(oid);
    if (commit === undefined) return undefined;
    return {
      oid,
      tree: store.treeOf(commit),
      parents: store.parentsOf(commit).map((parent) => store.oidOf(parent)),
      committedAt: store.timeOf(commit),
    };
  }

  /** As `git merge-base --is-ancestor`. */
  async isAncestor(ancestor: Oid, descendant: Oid, signal: AbortSignal): Promise<boolean> {
    return this.#run(
      (store) => isAncestor(store, store.get(ancestor), store.get(descendant)),
      signal,
    );
  }

  /** Those of `commits` that have `ancestor` in their history, as `git for-each-ref --contains`. */
  async containing(
    ancestor: Oid,
    commits: readonly Oid[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<Oid>> {
    return this.#run(function* (store) {
      const numbers = commits.map((oid) => store.get(oid));
      const containing = yield* findContaining(store, store.get(ancestor), numbers);
      return new Set([...containing].map((commit) => store.oidOf(commit)));
    }, signal);
  }

  /** The commit that `git merge-base` names for the first of these and the merge of the others. */
  async mergeBase(commits: readonly Oid[], signal: AbortSignal): Promise<Oid | undefined> {
    return (await this.#mergeBases(commits, false, signal))[0];
  }

  /** As `git merge-base --all`: the best common ancestors of the first and the merge of the others. */
  async mergeBases(commits: readonly Oid[], signal: AbortSignal): Promise<Oid[]> {
    return this.#mergeBases(commits, true, signal);
  }

  /** Those commits that can't be reached from the others, as `git merge-base --independent`. */
  async independent(commits: readonly Oid[], signal: AbortSignal): Promise<Oid[]> {
    return this.#run(function* (store) {
      const numbers = [...new Set(commits.map((oid) => store.get(oid)))];
      const independent = yield* removeRedundant(store, numbers);
      return independent.map((commit) => store.oidOf(commit));
    }, signal);
  }

  /** As `git rev-list --left-right --count left...right`. */
  async divergence(left: Oid, right: Oid, signal: AbortSignal): Promise<Divergence> {
    return this.#run(function* (store) {
      const tips = yield* symmetricTips(store, left, right);
      const counts = { left: 0, right: 0 };
      for (const step of walkCommits(store, { tips })) {
        if (step === undefined) yield;
        else counts[step.isLeft ? "left" : "right"]++;
      }
      return counts;
    }, signal);
  }

  /** Counts the commits of a walk, as `git rev-list --count`. */
  async count(options: WalkOptions, signal: AbortSignal): Promise<number> {
    return this.#run((store) => countCommits(store, options), signal);
  }

  /**
   * Finds for each name in a folder the latest commit that changed what stands there, `undefined`
   * for one that never was there; see `lastCommits`. Returns `undefined` when that
   * can't be told without git.
   */
  async lastCommits(
    tip: Oid,
    paths: PathsInFolder,
    signal: AbortSignal,
  ): Promise<(Oid | undefined)[] | undefined> {
    return this.#run(function* (store) {
      const found = yield* lastCommits(store, { ...paths, tip: store.get(tip) });
      return found?.map((commit) => (commit === NO_COMMIT ? undefined : store.oidOf(commit)));
    }, signal);
  }

  /** Walks through history as `git rev-list` does: the same commits in the same order. */
  async *walk(options: WalkOptions, signal: AbortSignal): AsyncGenerator<WalkedCommit, void> {
    using use = this.#use();
    for (const step of walkCommits(use.store, options)) {
      signal.throwIfAborted();
      if (step === undefined) await nextTurn();
      else yield step;
    }
  }

  /** Gives back files and memory. Using the history takes them again. */
  close(): void {
    this.#drop();
  }

  async #mergeBases(commits: readonly Oid[], all: boolean, signal: AbortSignal): Promise<Oid[]> {
    return this.#run(function* (store) {
      const [one, ...others] = commits.map((oid) => store.get(oid));
      if (one === undefined) return [];
      const bases = yield* mergeBases(store, one, others, all);
      return bases.map((base) => store.oidOf(base));
    }, signal);
  }

  async #run<T>(make: (store: CommitStore) => Task<T>, signal: AbortSignal): Promise<T> {
    using use = this.#use();
    return await runTask(make(use.store), signal);
  }

  /** The commits as they are known now; their files stay open until it is disposed. */
  #use(): { readonly store: CommitStore } & Disposable {
    // A graph may be replaced between the look at it and the use of it.
    for (let attempt = 0; ; attempt++) {
      const store = this.#current();
      try {
        const unpin = store.graph?.pin();
        return { store, [Symbol.dispose]: () => unpin?.() };
      } catch (error) {
        if (!(error instanceof FileVanishedError) || attempt >= ATTEMPTS_MAX) throw error;
        this.#drop();
      }
    }
  }

  #current(): CommitStore {
    const hasChanged = this.#hasChanged();
    const store = this.#store;
    if (store !== undefined && !hasChanged && !store.isEvicted) return store;
    this.#drop();
    this.#store = this.#open();
    return this.#store;
  }

  #open(): CommitStore {
    const { config, format, objects, path, resources } = this.#options;
    const grafts = readGrafts(path);
    const isEnabled = grafts === undefined && config.getBoolean("core.commitgraph") !== false;
    const graph = isEnabled
      ? CommitGraph.open({
          directories: objects.directories,
          format,
          resources,
          generationVersion: config.getInteger("commitgraph.generationversion") ?? 2,
        })
      : undefined;
    return new CommitStore({ objects, graph, grafts: grafts ?? new Map(), resources });
  }

  /** Looks at all files that decide about the history, and notes what it sees. */
  #hasChanged(): boolean {
    const { objects, path } = this.#options;
    const paths = [join(path, "shallow"), join(path, "info", "grafts")];
    for (const directory of objects.directories) {
      paths.push(join(directory, "info", "commit-graph"), commitGraphChainPath(directory));
    }
    let hasChanged = paths.length !== this.#states.size;
    if (hasChanged) this.#states.clear();
    for (const each of paths) {
      let state = this.#states.get(each);
      if (state === undefined) {
        state = new FileState(each);
        this.#states.set(each, state);
        hasChanged = true;
      }
      if (state.hasChanged()) hasChanged = true;
    }
    return hasChanged;
  }

  #drop(): void {
    this.#store?.close();
    this.#store?.graph?.close();
    this.#store = undefined;
  }
}

/** How often a graph is opened again that was replaced at once. */
const ATTEMPTS_MAX = 5;

/** What `left...right` means: both, without what they have in common. */
export function* symmetricTips(store: CommitStore, left: Oid, right: Oid): Task<WalkTip[]> {
  const bases = yield* mergeBases(store, store.get(left), [store.get(right)], true);
  return [
    ...bases.map((base) => ({ oid: store.oidOf(base), isExcluded: true })),
    { oid: left, isLeft: true },
    { oid: right },
  ];
}

/** Parents by commit from the files `shallow` and `info/grafts`; `undefined` when there is neither. */
function readGrafts(path: string): Map<Oid, readonly Oid[]> | undefined {
  const shallow = readIfThere(join(path, "shallow"))?.toString("latin1");
  const grafted = readIfThere(join(path, "info", "grafts"))?.toString("latin1");
  if (shallow === undefined && grafted === undefined) return undefined;
  const grafts = new Map<Oid, readonly Oid[]>();
  for (const line of (grafted ?? "").split("\n")) {
    const words = line.trimEnd().split(/\s/).map(parseOid);
    const [commit, ...parents] = words;
    // A line with anything else in it doesn't count.
    if (commit === undefined || words.includes(undefined)) continue;
    grafts.set(
      commit,
      parents.flatMap((parent) => parent ?? []),
    );
  }
  for (const line of (shallow ?? "").split("\n")) {
    const oid = parseOid(line.trim());
    if (oid !== undefined) grafts.set(oid, []);
  }
  return grafts;
}
