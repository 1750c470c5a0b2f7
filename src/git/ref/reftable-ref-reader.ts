import { type ObjectFormat, type Oid, zeroOid } from "../oid/oid.ts";
import { LooseRefs } from "./loose-refs.ts";
import { RefFilter } from "./ref-filter.ts";
import { parseRefName, type RefName } from "./ref-name.ts";
import { withoutMainWorktree } from "./ref-path.ts";
import type {
  ListedRef,
  RefListOptions,
  RefReader,
  RefResolution,
  StoredRef,
} from "./ref-reader.ts";
import { CorruptRefStoreError } from "./ref-store-error.ts";
import { findInReftables, type LiveRecord, mergeReftables } from "./reftable/merged-reftables.ts";
import { ReftableStack } from "./reftable/reftable-stack.ts";
import { resolveRef } from "./resolve-ref.ts";
import { isPseudoRef, isRootRef, isSafeRefName } from "./special-ref-name.ts";

/** Where a repository without worktrees keeps its references, and how it names objects. */
export interface ReftableRefStore {
  /** The repository's directory. */
  readonly directory: string;
  readonly objectFormat: ObjectFormat;
  /** The time of day in milliseconds. */
  readonly nowMs?: () => number;
}

/** Reads references stored as a stack of reftables. Only FETCH_HEAD and MERGE_HEAD are files. */
export class ReftableRefReader implements RefReader {
  readonly #stack: ReftableStack;
  readonly #files: LooseRefs;
  readonly #nullOid: Oid;

  constructor({ directory, objectFormat, nowMs = Date.now }: ReftableRefStore) {
    this.#stack = new ReftableStack(`${directory}/reftable`, objectFormat, nowMs);
    this.#files = new LooseRefs(directory, objectFormat);
    this.#nullOid = zeroOid(objectFormat);
  }

  version(): string {
    return this.#stack.version();
  }

  read(name: RefName): StoredRef | undefined {
    if (isPseudoRef(name)) {
      const file = this.#files.read(name);
      return typeof file === "string" ? undefined : file;
    }
    using open = this.#stack.open();
    const record = findInReftables(open.tables, withoutMainWorktree(name));
    if (record === undefined) return undefined;
    if (record.kind === "symbolic") return { kind: "symbolic", name, target: record.target };
    return { kind: "direct", name, oid: record.oid, peeled: record.peeled };
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
    const after = options.after ?? "";
    using open = this.#stack.open();
    for (const prefix of filter.prefixes) {
      const start = after < prefix ? prefix : `${after}\0`;
      for (const record of mergeReftables(open.tables, start)) {
        if (!record.name.startsWith(prefix)) break;
        const listed = this.#listed(record, filter, options);
        if (listed !== undefined) yield listed;
      }
    }
  }

  #listed(
    record: LiveRecord,
    filter: RefFilter,
    { rootRefs, onBroken }: RefListOptions,
  ): ListedRef | undefined {
    const isListed =
      record.name.startsWith("refs/") || (rootRefs === true && isRootRef(record.name));
    if (!isListed) return undefined;
    const name = parseRefName(record.name, { oneLevel: true });
    if (name === undefined && !isSafeRefName(record.name)) {
      throw new CorruptRefStoreError("refname is dangerous");
    }
    if (name === undefined || (record.kind === "direct" && record.oid === this.#nullOid)) {
      onBroken?.(record.name);
      return undefined;
    }
    if (!filter.matches(name)) return undefined;
    if (record.kind === "direct") {
      return { name, oid: record.oid, symref: undefined, peeled: record.peeled };
    }
    const target = this.resolve(name);
    if (target.state !== "found" || target.oid === this.#nullOid) return undefined;
    return { name, oid: target.oid, symref: target.name, peeled: target.peeled };
  }
}
