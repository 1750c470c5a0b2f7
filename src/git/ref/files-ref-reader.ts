import { type ObjectFormat, type Oid, zeroOid } from "../oid/oid.ts";
import { compareBinary } from "./binary-string.ts";
import { type LooseEntry, LooseRefs } from "./loose-refs.ts";
import type { PackedRef } from "./packed-refs.ts";
import { PackedRefsFile } from "./packed-refs-file.ts";
import { RefFilter } from "./ref-filter.ts";
import { HEAD, type RefName } from "./ref-name.ts";
import type {
  ListedRef,
  RefListOptions,
  RefReader,
  RefResolution,
  StoredRef,
} from "./ref-reader.ts";
import { resolveRef } from "./resolve-ref.ts";
import { isPseudoRef } from "./special-ref-name.ts";

/** Where a repository without worktrees keeps its references, and how it names objects. */
export interface FilesRefStore {
  /** The repository's directory. */
  readonly directory: string;
  readonly objectFormat: ObjectFormat;
  /** The time of day in milliseconds. */
  readonly nowMs?: () => number;
}

/** How many files of references are worth comparing: housekeeping packs them before there are more. */
const COMPARED_FILES_MAX = 1000;

/** What is listed of a reference that has a file of its own. */
export interface LooseListing {
  /** A binary string. */
  readonly name: string;
  readonly listed: ListedRef | undefined;
}

/** One way to have a reference's name. */
type Entry = LooseEntry | PackedRef;

/**
 * Reads references stored as files: loose ones below the repository's directory, and packed-refs,
 * whose records count where there is no loose reference by their name.
 */
export class FilesRefReader implements RefReader {
  /** The references with a file of their own, for whoever changes them. */
  readonly loose: LooseRefs;
  /** The others, for the same. */
  readonly packed: PackedRefsFile;
  readonly #nullOid: Oid;

  constructor({ directory, objectFormat, nowMs = Date.now }: FilesRefStore) {
    this.loose = new LooseRefs(directory, objectFormat);
    this.packed = new PackedRefsFile(directory, objectFormat, nowMs);
    this.#nullOid = zeroOid(objectFormat);
  }

  version(): string | undefined {
    // As everywhere: files first.
    const loose = this.loose.list("refs/");
    if (loose.length > COMPARED_FILES_MAX) return undefined;
    const packed = this.packed.version();
    if (packed === undefined) return undefined;
    const files = [...loose, this.loose.read(HEAD)].map((ref) => JSON.stringify(ref));
    return `${packed}\n${files.join("\n")}`;
  }

  read(name: RefName): StoredRef | undefined {
    // A reference moves from its file into packed-refs, so they are read in this order.
    const loose = this.loose.read(name);
    if (typeof loose !== "string") return loose;
    if (loose === "obstructed" || isPseudoRef(name)) return undefined;
    return this.packed.find(name);
  }

  resolve(name: RefName): RefResolution {
    return resolveRef((current) => this.read(current), name);
  }

  findOid(name: RefName): Oid | undefined {
    const resolution = this.resolve(name);
    return resolution.state === "found" ? resolution.oid : undefined;
  }

  *list(options: RefListOptions = {}): Generator<ListedRef, void, undefined> {
    const filter = new RefFilter(options);
    // As above: all files are read before packed-refs is.
    const loose = filter.prefixes.map((prefix) => sortEntries(this.loose.list(prefix)));
    const root = options.rootRefs === true ? sortEntries(this.loose.listRootRefs()) : [];
    for (const entry of root) {
      if (!filter.prefixes.some((prefix) => entry.name.startsWith(prefix))) continue;
      const listed = this.#listed(entry, filter, options);
      if (listed !== undefined) yield listed;
    }
    for (const [index, prefix] of filter.prefixes.entries()) {
      const packed = this.packed.list(prefix, options.after ?? "");
      for (const entry of overlay(loose[index] ?? [], packed)) {
        const listed = this.#listed(entry, filter, options);
        if (listed !== undefined) yield listed;
      }
    }
  }

  /**
   * What `list` yields of the references that have files of their own, in order; nothing for those
   * that it leaves out, which hide what packed-refs has by their names nevertheless.
   */
  listLoose(onBroken: (name: string) => void): LooseListing[] {
    const filter = new RefFilter({});
    return sortEntries(this.loose.list("")).map((entry) => ({
      name: entry.name,
      listed: this.#listed(entry, filter, { onBroken }),
    }));
  }

  #listed(entry: Entry, filter: RefFilter, { onBroken }: RefListOptions): ListedRef | undefined {
    if (entry.kind === "broken" || entry.kind === "badly-named") {
      onBroken?.(entry.name);
      return undefined;
    }
    if (!filter.matches(entry.name)) return undefined;
    const { name } = entry;
    if (entry.kind === "direct") {
      return { name, oid: entry.oid, symref: undefined, peeled: entry.peeled };
    }
    const target = this.resolve(name);
    if (target.state !== "found" || target.oid === this.#nullOid) return undefined;
    return { name, oid: target.oid, symref: target.name, peeled: target.peeled };
  }
}

function sortEntries(entries: LooseEntry[]): LooseEntry[] {
  return entries.sort((one, other) => compareBinary(one.name, other.name));
}

/** Merges two sorted lists; a loose entry hides the packed one by its name. */
function* overlay(
  loose: readonly LooseEntry[],
  packed: Iterable<PackedRef>,
): Generator<Entry, void, undefined> {
  let index = 0;
  for (const ref of packed) {
    let entry = loose[index];
    for (; entry !== undefined && entry.name < ref.name; entry = loose[++index]) yield entry;
    if (entry?.name !== ref.name) yield ref;
  }
  for (; index < loose.length; index++) {
    const entry = loose[index];
    if (entry !== undefined) yield entry;
  }
}
