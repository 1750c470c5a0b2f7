import { join } from "node:path";
import { type ObjectFormat, OID_BYTES, type Oid } from "../oid/oid.ts";
import { FileVanishedError } from "../pack/file-pool.ts";
import { FileState } from "../pack/file-state.ts";
import { type ObjectStream, singleChunk } from "../pack/pack.ts";
import type { PackLocation } from "../pack/pack-directory.ts";
import type { CachedContent } from "../pack/reader-resources.ts";
import { alternatesPath, listObjectDirectories } from "./alternates.ts";
import { CorruptObjectError } from "./object-error.ts";
import { hashObject } from "./object-hash.ts";
import type { ObjectSource, ObjectSources } from "./object-source.ts";
import type { GitObject, ObjectHeader, ObjectType } from "./object-type.ts";
import { oidBytes } from "./oid-bytes.ts";
import { TreeLookup } from "./tree-lookup.ts";

/**
 * Contents that `read` makes without asking: it stops the event loop while it does so, about a
 * millisecond for each quarter of a megabyte.
 */
export const READ_BYTES_MAX: number = 4 * 1024 * 1024;

/** Contents that `load` makes without asking. */
export const LOAD_BYTES_MAX: number = 64 * 1024 * 1024;

/** A large blob that is stored as a delta has to be made in memory up to this size. */
export const DELTA_BYTES_MAX: number = 256 * 1024 * 1024;

/** How often an object is looked up again that vanished from one pack, to appear in another. */
const ATTEMPTS_MAX = 5;

/** Where a database finds its objects. */
export interface ObjectDatabaseOptions {
  /** The repository's own directory, or the quarantine of a push. */
  readonly objectDirectory: string;
  /** More directories to read from, as in `GIT_ALTERNATE_OBJECT_DIRECTORIES`. */
  readonly alternates?: readonly string[];
  readonly format: ObjectFormat;
  readonly sources: ObjectSources;
}

/** A copy of an object: in a pack of the source, or loose in it. */
interface Copy {
  readonly source: ObjectSource;
  readonly location: PackLocation | undefined;
}

/**
 * The objects that a repository can read: loose ones, those in packs, and those of its alternates.
 *
 * Methods return `undefined` for an object that isn't there; before they do so, they look for packs
 * that other processes have added. A damaged copy is passed over as long as there is another one,
 * then `CorruptObjectError` is thrown. Contents belong to a cache: never write to them.
 */
export class ObjectDatabase {
  readonly format: ObjectFormat;
  /** Finds entries in the trees that are read here. */
  readonly trees: TreeLookup;
  readonly #options: ObjectDatabaseOptions;
  /** Holds the id that is looked up right now, for lookups that don't wait. */
  readonly #oid: Buffer;
  /** Exists in every repository, whether it is stored or not. */
  readonly #emptyTree: Oid;
  #sources: readonly ObjectSource[] = [];
  #alternates: readonly FileState[] = [];
  #isLoaded = false;
  #isClosed = false;

  constructor(options: ObjectDatabaseOptions) {
    this.format = options.format;
    this.trees = new TreeLookup(options.format);
    this.#options = options;
    this.#oid = Buffer.alloc(OID_BYTES[options.format]);
    this.#emptyTree = hashObject("tree", this.#oid.subarray(0, 0), options.format);
  }

  /** The object directories in the order in which they are asked. */
  get directories(): readonly string[] {
    return this.#load().map(({ path }) => path);
  }

  has(oid: Oid): boolean {
    return oid === this.#emptyTree || this.#attempt(oid, hasCopy) === true;
  }

  /** Whether an object is in a pack now. It stays there as long as `packsInUse` is the same. */
  isPacked(oid: Oid): boolean {
    const bytes = oidBytes(oid);
    return this.#load().some(({ packs }) => packs.find(bytes) !== undefined);
  }

  /** See `PackDirectory`; one object for each place where objects are stored. */
  packsInUse(): readonly object[] {
    return this.#load().map(({ packs }) => packs.packsInUse);
  }

  /** Tells an object's type, at less cost than its size. */
  typeOf(oid: Oid): ObjectType | undefined {
    return oid === this.#emptyTree ? "tree" : this.#attempt(oid, readCopyType);
  }

  /** Tells an object's type and size without making it. */
  header(oid: Oid): ObjectHeader | undefined {
    if (oid === this.#emptyTree) return { type: "tree", size: 0 };
    return this.#attempt(oid, readCopyHeader);
  }

  /**
   * Reads an object at once. Throws `ObjectTooLargeError` when it has more than `bytesMax` bytes;
   * `load` and `stream` are for such ones.
   */
  read(oid: Oid, bytesMax: number = READ_BYTES_MAX): GitObject | undefined {
    if (oid === this.#emptyTree) return { oid, type: "tree", content: Buffer.alloc(0) };
    const found = this.#attempt(oid, (copy) => readCopy(copy, oid, bytesMax));
    return found && { oid, type: found.type, content: found.content };
  }

  /** As `read`, for large objects: doesn't stop the event loop for long. */
  async load(
    oid: Oid,
    signal: AbortSignal,
    bytesMax: number = LOAD_BYTES_MAX,
  ): Promise<GitObject | undefined> {
    if (oid === this.#emptyTree) return { oid, type: "tree", content: Buffer.alloc(0) };
    const found = await this.#attemptAsync(oid, ({ source, location }) =>
      location === undefined
        ? source.loose.load(oid, bytesMax, signal)
        : location.pack.load(location.offset, bytesMax, signal),
    );
    return found && { oid, type: found.type, content: found.content };
  }

  /**
   * Reads an object of any size in pieces. Only what is stored as a delta is held in memory as a
   * whole; more than `DELTA_BYTES_MAX` of it is an `ObjectTooLargeError`.
   */
  async stream(oid: Oid, signal: AbortSignal): Promise<ObjectStream | undefined> {
    if (oid === this.#emptyTree) {
      return { type: "tree", size: 0, chunks: singleChunk(Buffer.alloc(0)) };
    }
    return this.#attemptAsync(oid, async ({ source, location }) =>
      location === undefined
        ? source.loose.stream(oid, signal)
        : location.pack.stream(location.offset, DELTA_BYTES_MAX, signal),
    );
  }

  /** Path of a file that holds the object, maybe among others. Whoever needs the file keeps it new. */
  fileOf(oid: Oid): string | undefined {
    return this.#attempt(oid, fileOfCopy);
  }

  /** Ids of all objects, each once, in their order. */
  *oids(): IterableIterator<Oid> {
    for (let first = 0; first < 256; first++) {
      const oids = new Set<Oid>();
      for (const { packs, loose } of this.#load()) {
        for (const table of packs.tables()) {
          const [start, end] = table.range(first);
          for (let position = start; position < end; position++) oids.add(table.oidAt(position));
        }
        for (const oid of loose.list(first)) oids.add(oid);
      }
      yield* [...oids].sort();
    }
  }

  /**
   * Ids of the objects that begin with `prefix`, in their order: the first `countMax` of each
   * place where objects are stored. The prefix is two or more hexadecimal digits in lower case.
   */
  oidsWithPrefix(prefix: string, countMax: number = PREFIX_COUNT_MAX): Oid[] {
    const found = this.#listPrefix(prefix, countMax);
    return found.length > 0 || !this.refresh() ? found : this.#listPrefix(prefix, countMax);
  }

  /**
   * Looks for changes by other processes, as is done before an object counts as missing. Returns
   * `true` when there may be some.
   */
  refresh(): boolean {
    if (!this.#isLoaded) return true;
    let hasChanged = this.#hasOtherAlternates();
    for (const { packs } of this.#load()) if (packs.refresh()) hasChanged = true;
    return hasChanged;
  }

  /**
   * Makes sure that what other processes have removed isn't found any more. For the start of a
   * request; costs one look at each of the folders.
   */
  expire(): void {
    if (!this.#isLoaded) return;
    this.#hasOtherAlternates();
    for (const { packs } of this.#sources) packs.expire();
  }

  /** Gives back files and memory. Using the database takes them again. */
  close(): void {
    const { sources } = this.#options;
    for (const source of this.#sources) sources.release(source, this.format);
    this.#sources = [];
    this.#alternates = [];
    this.#isLoaded = false;
    this.#isClosed = true;
  }

  /** Does something with the first copy that lets it. */
  #attempt<T>(oid: Oid, action: (copy: Copy, oid: Oid) => T | undefined): T | undefined {
    let failed: CopySearch | undefined;
    // The usual case first, without the machinery for the unusual ones.
    this.#oid.write(oid, "hex");
    for (const source of this.#load()) {
      const location = source.packs.find(this.#oid);
      if (location === undefined) continue;
      try {
        return action({ source, location }, oid);
      } catch (error) {
        failed ??= new CopySearch();
        failed.fail({ source, location }, error);
      }
    }
    const search = failed ?? new CopySearch();
    for (const copy of this.#copies(oid, search)) {
      try {
        const result = action(copy, oid);
        if (result !== undefined) return result;
      } catch (error) {
        search.fail(copy, error);
      }
    }
    return undefined;
  }

  async #attemptAsync<T>(
    oid: Oid,
    action: (copy: Copy) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const search = new CopySearch();
    for (const copy of this.#copies(oid, search)) {
      try {
        const result = await action(copy);
        if (result !== undefined) return result;
      } catch (error) {
        search.fail(copy, error);
      }
    }
    return undefined;
  }

  /**
   * Yields places where the object may be, first those that cost least. Throws the first failure
   * when none of them was any good.
   */
  *#copies(oid: Oid, search: CopySearch): Generator<Copy, void, undefined> {
    const bytes = oidBytes(oid);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      search.hasVanished = false;
      for (const source of this.#load()) yield* packedCopies(source, bytes, search);
      for (const source of this.#load()) yield { source, location: undefined };
      // A fresh look once, and again only while packs vanish under our hands.
      const mayRepeat = attempt === 0 && this.refresh();
      if (!mayRepeat && !search.hasVanished) break;
    }
    const broken = this.#sources.find(({ packs }) => packs.failure !== undefined);
    const failure = search.failure ?? broken?.packs.failure;
    if (failure !== undefined) throw failure;
  }

  #listPrefix(prefix: string, countMax: number): Oid[] {
    const oids = new Set<Oid>();
    for (const { packs, loose } of this.#load()) {
      for (const table of packs.tables()) {
        for (const oid of table.withPrefix(prefix, countMax)) oids.add(oid);
      }
      const first = Number.parseInt(prefix.slice(0, 2), 16);
      const all = loose.list(first).filter((oid) => oid.startsWith(prefix));
      for (const oid of all.sort().slice(0, countMax)) oids.add(oid);
    }
    return [...oids].sort();
  }

  #hasOtherAlternates(): boolean {
    // All of them, since the call notes what it has seen.
    const changed = this.#alternates.filter((state) => state.hasChanged());
    if (changed.length > 0) this.#isLoaded = false;
    return changed.length > 0;
  }

  #load(): readonly ObjectSource[] {
    if (this.#isLoaded) return this.#sources;
    const { objectDirectory, alternates, sources } = this.#options;
    const directories = listObjectDirectories(objectDirectory, alternates);
    this.#alternates = directories.map((path) => new FileState(alternatesPath(path)));
    for (const state of this.#alternates) state.hasChanged();
    const old = this.#sources;
    // Whoever still uses a closed database won't close it again, so it must not hold shared ones.
    this.#sources = directories.map((path) =>
      this.#isClosed ? sources.create(path, this.format) : sources.acquire(path, this.format),
    );
    for (const source of old) sources.release(source, this.format);
    this.#isLoaded = true;
    return this.#sources;
  }
}

/** How many objects with the same prefix are listed from one place. */
const PREFIX_COUNT_MAX = 1000;

/** What went wrong so far while an object was looked for. */
class CopySearch {
  hasVanished = false;
  failure: CorruptObjectError | undefined;

  /** Notes that a copy is no good; throws errors that don't speak of the copy. */
  fail({ source, location }: Copy, error: unknown): void {
    if (error instanceof FileVanishedError) {
      this.hasVanished = true;
      if (location !== undefined) source.packs.drop(location.pack);
    } else if (error instanceof CorruptObjectError) {
      this.failure ??= error;
    } else {
      throw error;
    }
  }
}

function* packedCopies(
  source: ObjectSource,
  oid: Buffer,
  search: CopySearch,
): Generator<Copy, void, undefined> {
  const location = source.packs.find(oid);
  if (location !== undefined) yield { source, location };
  if (search.failure === undefined) return;
  for (const other of source.packs.findAll(oid)) yield { source, location: other };
}

function hasCopy({ source, location }: Copy, oid: Oid): true | undefined {
  if (location === undefined) return source.loose.has(oid) || undefined;
  location.pack.open();
  return true;
}

function fileOfCopy({ source, location }: Copy, oid: Oid): string | undefined {
  if (location !== undefined) return join(source.packs.path, `${location.pack.name}.pack`);
  if (!source.loose.has(oid)) return undefined;
  return join(source.path, oid.slice(0, 2), oid.slice(2));
}

function readCopyType({ source, location }: Copy, oid: Oid): ObjectType | undefined {
  if (location === undefined) return source.loose.header(oid)?.type;
  return location.pack.typeOf(location.offset);
}

function readCopyHeader({ source, location }: Copy, oid: Oid): ObjectHeader | undefined {
  if (location === undefined) return source.loose.header(oid);
  return location.pack.header(location.offset);
}

function readCopy(
  { source, location }: Copy,
  oid: Oid,
  bytesMax: number,
): CachedContent | undefined {
  if (location === undefined) return source.loose.read(oid, bytesMax);
  return location.pack.read(location.offset, bytesMax);
}
