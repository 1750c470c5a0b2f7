import { parseCommitLinks } from "../object/commit-object.ts";
import type { ObjectDatabase } from "../object/object-database.ts";
import {
  CorruptObjectError,
  ObjectNotFoundError,
  UnexpectedObjectTypeError,
} from "../object/object-error.ts";
import { OID_BYTES, type Oid } from "../oid/oid.ts";
import { MemoryTenant } from "../pack/memory-budget.ts";
import type { ReaderResources } from "../pack/reader-resources.ts";
import { ChangedNames } from "./changed-names.ts";
import { type CommitGraph, GENERATION_INFINITY } from "./commit-graph.ts";
import { FirstParentSkips } from "./first-parent-skips.ts";
import { LastCommitMemory } from "./last-commit-memory.ts";

/** Memory for a commit that was read from its object, roughly. */
const LOADED_BYTES = 320;

/** A commit has to fit in memory; this stops the event loop for a moment at worst. */
const COMMIT_BYTES_MAX = 64 * 1024 * 1024;

interface LoadedCommit {
  readonly oid: Oid;
  /** Absent until the commit is read. */
  links:
    | { readonly tree: Oid; readonly parents: readonly number[]; readonly time: number }
    | undefined;
}

/** What commits are made of, beside the object database. */
export interface CommitStoreOptions {
  readonly objects: ObjectDatabase;
  readonly graph: CommitGraph | undefined;
  /** Parents that count instead of those in the object, as in shallow repositories. */
  readonly grafts: ReadonlyMap<Oid, readonly Oid[]>;
  readonly resources: ReaderResources;
}

/**
 * The commits of a repository as numbers, with what walks need of them: from the commit-graph where
 * it has them, read from their objects and remembered otherwise.
 *
 * Numbers are good for this store only. Methods that take one throw `ObjectNotFoundError` when the
 * commit's object is missing, and `CorruptObjectError` when it can't be read.
 */
export class CommitStore extends MemoryTenant {
  readonly objects: ObjectDatabase;
  readonly graph: CommitGraph | undefined;
  readonly lastCommits: LastCommitMemory;
  readonly changedNames: ChangedNames;
  readonly #grafts: ReadonlyMap<Oid, readonly Oid[]>;
  readonly #resources: ReaderResources;
  /** Commits that aren't in the graph; their numbers begin after it. */
  readonly #loaded: LoadedCommit[] = [];
  readonly #numbers = new Map<Oid, number>();
  readonly #base: number;
  readonly #bytes: Buffer;
  #skips: FirstParentSkips | undefined;
  /** `true` when the memory is wanted back: whoever uses the store finishes, nobody starts. */
  isEvicted = false;

  constructor({ objects, graph, grafts, resources }: CommitStoreOptions) {
    super();
    this.objects = objects;
    this.graph = graph;
    this.#grafts = grafts;
    this.#resources = resources;
    this.#base = graph?.count ?? 0;
    this.lastCommits = new LastCommitMemory((bytes) => this.#charge(bytes));
    this.changedNames = new ChangedNames((bytes) => this.#charge(bytes));
    this.#bytes = Buffer.alloc(OID_BYTES[objects.format]);
  }

  /** How many commits are known; their numbers are smaller. */
  get count(): number {
    return this.#base + this.#loaded.length;
  }

  /**
   * Returns the commit with this id, or `undefined` when there is no such object. Throws
   * `UnexpectedObjectTypeError` for an object that is no commit: peel tags before.
   */
  find(oid: Oid): number | undefined {
    const commit = this.#numberOf(oid);
    if (commit < this.#base) return this.objects.has(oid) ? commit : undefined;
    const loaded = this.#loaded[commit - this.#base];
    if (loaded?.links !== undefined) return this.objects.has(oid) ? commit : undefined;
    const header = this.objects.header(oid);
    if (header === undefined) return undefined;
    if (header.type !== "commit") throw new UnexpectedObjectTypeError(oid, "commit", header.type);
    return commit;
  }

  /** As `find`, for a commit that has to be there. Throws `ObjectNotFoundError`. */
  get(oid: Oid): number {
    const commit = this.find(oid);
    if (commit === undefined) throw new ObjectNotFoundError(oid);
    return commit;
  }

  oidOf(commit: number): Oid {
    if (commit < this.#base && this.graph !== undefined) return this.graph.oidAt(commit);
    return this.#loadedOf(commit).oid;
  }

  treeOf(commit: number): Oid {
    if (commit < this.#base && this.graph !== undefined) return this.graph.treeAt(commit);
    return this.#linksOf(commit).tree;
  }

  parentsOf(commit: number): readonly number[] {
    if (commit < this.#base && this.graph !== undefined) return this.graph.parentsAt(commit);
    return this.#linksOf(commit).parents;
  }

  firstParentOf(commit: number): number | undefined {
    if (commit < this.#base && this.graph !== undefined) return this.graph.firstParentAt(commit);
    return this.#linksOf(commit).parents[0];
  }

  /** Time of the commit in seconds. */
  timeOf(commit: number): number {
    if (commit < this.#base && this.graph !== undefined) return this.graph.timeAt(commit);
    return this.#linksOf(commit).time;
  }

  /** A number larger than that of all ancestors; infinite for commits that aren't in the graph. */
  generationOf(commit: number): number {
    if (commit < this.#base && this.graph !== undefined) return this.graph.generationAt(commit);
    return GENERATION_INFINITY;
  }

  /** Shortcuts to what is below a commit in the graph, `undefined` for one that isn't in it. */
  skipsOf(commit: number): FirstParentSkips | undefined {
    if (commit >= this.#base || this.graph === undefined) return undefined;
    this.#skips ??= new FirstParentSkips(this.graph, (bytes) => this.#charge(bytes));
    return this.#skips;
  }

  /** The commit's content, which isn't remembered. */
  contentOf(commit: number): Buffer {
    return this.#readContent(this.oidOf(commit));
  }

  override evict(): void {
    this.isEvicted = true;
  }

  /** Notes that nobody starts to use the store any more. */
  close(): void {
    this.isEvicted = true;
    this.#resources.graphs.release(this);
  }

  #numberOf(oid: Oid): number {
    if (this.graph !== undefined) {
      this.#bytes.write(oid, "hex");
      const position = this.graph.find(this.#bytes);
      if (position >= 0) return position;
    }
    const known = this.#numbers.get(oid);
    if (known !== undefined) return known;
    const commit = this.#base + this.#loaded.length;
    this.#loaded.push({ oid, links: undefined });
    this.#numbers.set(oid, commit);
    this.#charge(LOADED_BYTES);
    return commit;
  }

  #charge(bytes: number): void {
    if (!this.isEvicted) this.#resources.graphs.charge(this, bytes);
  }

  #loadedOf(commit: number): LoadedCommit {
    const loaded = this.#loaded[commit - this.#base];
    if (loaded === undefined) throw new RangeError("commit of another store");
    return loaded;
  }

  #linksOf(commit: number): NonNullable<LoadedCommit["links"]> {
    const loaded = this.#loadedOf(commit);
    if (loaded.links !== undefined) return loaded.links;
    const { tree, parents, committedAt } = parseCommitLinks(
      this.#readContent(loaded.oid),
      this.objects.format,
    );
    const counted = this.#grafts.get(loaded.oid) ?? parents;
    const numbers = counted.map((parent) => this.#numberOf(parent));
    loaded.links = { tree, parents: numbers, time: committedAt };
    return loaded.links;
  }

  #readContent(oid: Oid): Buffer {
    const object = this.objects.read(oid, COMMIT_BYTES_MAX);
    if (object === undefined) throw new ObjectNotFoundError(oid);
    if (object.type === "commit") return object.content;
    throw new CorruptObjectError("object in the history is no commit", { metadata: { oid } });
  }
}
