import { isTreeMode } from "../object/tree-object.ts";
import type { Oid } from "../oid/oid.ts";
import { CommitQueue } from "./commit-queue.ts";
import type { CommitStore } from "./commit-store.ts";
import { FolderEntries } from "./folder-entries.ts";
import { PathFilter } from "./path-filter.ts";
import type { Task } from "./task.ts";
import { TreeComparison } from "./tree-comparison.ts";

/** Commits passed between two yields. */
const STEPS = 2048;

/** Trees looked into between two yields. */
const LOOKS = 64;

/** Some names in one folder, and what changes them. */
export interface PathsInFolder {
  /** Empty for the root, else without a slash in the end. */
  readonly folder: Buffer;
  readonly names: readonly Buffer[];
  /**
   * `entries` goes by modes and ids, as `git last-modified` does; all names have to be there.
   * `files` counts folders without files for nothing, as `git log` does.
   */
  readonly compare: "entries" | "files";
}

/** Where to look for what changed some names last. */
export interface LastCommitsQuestion extends PathsInFolder {
  /** The commit to begin with. */
  readonly tip: number;
}

/** When others have their turn. */
interface Pause {
  readonly steps: number;
  readonly looks: number;
}

/** The answer for a name that no commit changed, since it never was there. */
export const NO_COMMIT = -1;

/**
 * Finds for each name the latest commit that changed what stands there: the one where it differs
 * from all parents. From any other commit, history goes on at the first parent that has the same,
 * and only there; so does git.
 *
 * Returns `undefined` when that can't be told.
 */
export function* lastCommits(
  store: CommitStore,
  question: LastCommitsQuestion,
): Task<number[] | undefined> {
  return yield* new LastCommitsWalk(store, question).run();
}

class LastCommitsWalk {
  readonly #store: CommitStore;
  readonly #question: LastCommitsQuestion;
  /** What stands under the names at the tip, and everywhere on the way. */
  readonly #entries: FolderEntries;
  readonly #filter: PathFilter;
  readonly #trees: TreeComparison;
  /** A folder that was looked into, and which names stand there as they should. */
  #knownFolder: Oid | undefined;
  #knownSame = new Set<number>();
  /** Names that have come to a commit which isn't passed yet. */
  readonly #waiting = new Map<number, number[]>();
  readonly #queue = new CommitQueue();
  readonly #answers: number[];
  /** What the names are called where answers are remembered. */
  readonly #keys: readonly string[];
  #steps = 0;
  #looks = 0;
  #skips = 0;

  constructor(store: CommitStore, question: LastCommitsQuestion) {
    const { folder, names, compare } = question;
    this.#store = store;
    this.#question = question;
    this.#entries = new FolderEntries(store.objects, folder, names);
    const paths = names.map((name) => joinPath(folder, name));
    this.#filter = new PathFilter(store, paths);
    this.#trees = new TreeComparison(store.objects);
    this.#keys = paths.map((path) => `${compare} ${path.toString("latin1")}`);
    this.#answers = names.map(() => NO_COMMIT);
  }

  *run(): Task<number[] | undefined> {
    const { tip, names } = this.#question;
    if (!this.#lookAtTip()) return undefined;
    this.#pass(tip, [...names.keys()]);
    const pause = { steps: STEPS, looks: LOOKS };
    // No walk skips more, unless damage leads it round in circles.
    const skipsMax = (): number => (names.length + 1) * this.#store.count;
    for (let next = this.#queue.take(); next !== undefined; next = this.#queue.take()) {
      const open = this.#waiting.get(next) ?? [];
      this.#waiting.delete(next);
      // Most of the way there is only one commit in sight.
      const commit = this.#queue.size === 0 ? this.#skipUnchanged(next, open, pause) : next;
      if (!this.#advance(commit, open) || this.#skips > skipsMax()) return undefined;
      if (++this.#steps < pause.steps && this.#looked < pause.looks) continue;
      pause.steps = this.#steps + STEPS;
      pause.looks = this.#looked + LOOKS;
      yield;
    }
    for (const name of names.keys()) this.#remember(tip, name);
    return this.#answers;
  }

  #remember(tip: number, name: number): void {
    const [key, answer] = [this.#keys[name], this.#answers[name]];
    if (key !== undefined && answer !== undefined) this.#store.lastCommits.note(tip, key, answer);
  }

  /** Settles names whose answer is known from an earlier search; returns the others. */
  #recall(commit: number, names: readonly number[]): readonly number[] {
    const answers = this.#store.lastCommits.from(commit);
    if (answers === undefined) return names;
    return names.filter((name) => {
      const answer = answers.get(this.#keys[name] ?? "");
      if (answer !== undefined) this.#answers[name] = answer;
      return answer === undefined;
    });
  }

  /** Goes to first parents as long as the filters tell that nothing has changed. */
  #skipUnchanged(start: number, open: readonly number[], pause: Pause): number {
    const { lastCommits: memory } = this.#store;
    let commit = start;
    while (this.#steps < pause.steps && this.#looked < pause.looks) {
      if (memory.from(commit) !== undefined) break;
      const parent = this.#store.firstParentOf(commit);
      if (parent === undefined || this.#filter.mayChangeOf(commit, open).length > 0) break;
      commit = parent;
      this.#steps++;
      this.#skips++;
    }
    return commit;
  }

  /** Looks into trees so far. */
  get #looked(): number {
    return this.#looks + this.#filter.looks;
  }

  /** Notes what the names stand for; `false` when one lacks that has to be there. */
  #lookAtTip(): boolean {
    const { tip, names, compare } = this.#question;
    const folder = this.#entries.folderOf(this.#store.treeOf(tip));
    if (folder !== undefined) this.#entries.takeUp(folder);
    this.#knownFolder = folder;
    this.#knownSame = new Set(names.keys());
    return compare === "files" || !this.#entries.entries.includes(undefined);
  }

  #pass(commit: number, names: readonly number[]): void {
    const waiting = this.#waiting.get(commit);
    if (waiting !== undefined) {
      waiting.push(...names);
      return;
    }
    this.#waiting.set(commit, [...names]);
    this.#queue.put(commit, this.#store.generationOf(commit), this.#store.timeOf(commit));
  }

  /**
   * Hands the names that have come to a commit on to its parents, or settles them. Returns `false`
   * when that can't be decided.
   */
  #advance(commit: number, names: readonly number[]): boolean {
    let open = this.#recall(commit, names);
    if (open.length === 0) return true;
    const parents = this.#store.parentsOf(commit);
    for (const [i, parent] of parents.entries()) {
      const suspects = i === 0 ? this.#filter.mayChangeOf(commit, open) : open;
      const changed = suspects.length === 0 ? suspects : this.#changedSince(parent, suspects);
      if (changed === undefined) return false;
      if (changed.length < open.length) {
        if (!this.#isOlder(parent, commit)) return false;
        this.#pass(parent, without(open, changed));
      }
      open = changed;
      if (open.length === 0) return true;
    }
    return open.every((name) => this.#settle(name, commit, parents.length === 0));
  }

  #settle(name: number, commit: number, isRoot: boolean): boolean {
    if (isRoot && this.#entries.entries[name] === undefined) return true;
    this.#answers[name] = commit;
    return !isRoot || this.#isRealChange(name, undefined);
  }

  /** `false` for parents in a damaged commit-graph, among which a walk might go round in circles. */
  #isOlder(parent: number, commit: number): boolean {
    const { graph } = this.#store;
    if (graph === undefined || commit >= graph.count) return true;
    return this.#store.generationOf(parent) < this.#store.generationOf(commit);
  }

  /** Those of the names that don't stand in a parent as they should; undefined if in doubt. */
  #changedSince(parent: number, names: readonly number[]): readonly number[] | undefined {
    this.#looks++;
    const folder = this.#entries.folderOf(this.#store.treeOf(parent));
    if (folder === undefined || folder !== this.#knownFolder) {
      this.#knownFolder = folder;
      this.#knownSame.clear();
    }
    const unknown = names.filter((name) => !this.#knownSame.has(name));
    if (unknown.length === 0) return unknown;
    const changed = this.#entries.changedIn(folder, unknown);
    for (const name of without(unknown, changed)) this.#knownSame.add(name);
    return changed.every((name) => this.#isRealChange(name, folder)) ? changed : undefined;
  }

  /** `false` for folders that differ, but not in any file, if that doesn't count. */
  #isRealChange(name: number, folder: Oid | undefined): boolean {
    if (this.#question.compare === "entries") return true;
    const wanted = this.#entries.entries[name];
    const bytes = this.#question.names[name];
    const other = folder && bytes && this.#entries.find(folder, bytes);
    const hasFile = [wanted, other].some((entry) => entry !== undefined && !isTreeMode(entry.mode));
    return hasFile || this.#trees.isDifferent(other?.oid, wanted?.oid, EVERYTHING);
  }
}

const EVERYTHING = { isWhole: true, isFolder: false, children: [] };
const SLASH = Buffer.from("/");

function joinPath(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? name : Buffer.concat([folder, SLASH, name]);
}

function without(names: readonly number[], left: readonly number[]): readonly number[] {
  return left.length === 0 ? names : names.filter((name) => !left.includes(name));
}
