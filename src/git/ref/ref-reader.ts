import type { Oid } from "../oid/oid.ts";
import type { RefName } from "./ref-name.ts";

/** A reference that holds an object id. */
export interface DirectRef {
  readonly kind: "direct";
  readonly name: RefName;
  readonly oid: Oid;
  readonly peeled: PeeledOid;
}

/** A reference as it is stored, before any symbolic reference is followed. */
export type StoredRef =
  | DirectRef
  /** `target` is a binary string; git stores it unchecked, so it need not be a valid name. */
  | { readonly kind: "symbolic"; readonly name: RefName; readonly target: string }
  /** There is something by this name which isn't a reference, such as an empty file. */
  | { readonly kind: "broken"; readonly name: RefName };

/**
 * What an annotated tag finally points at: an object id; null when the store knows that the
 * reference doesn't point at a tag; undefined when the store doesn't say.
 */
export type PeeledOid = Oid | null | undefined;

/** Where a name leads when symbolic references are followed. */
export type RefResolution =
  /** `name` is the direct reference at the end. */
  | {
      readonly state: "found";
      readonly name: RefName;
      readonly oid: Oid;
      readonly peeled: PeeledOid;
    }
  /** Nothing is stored by `name`: that asked for, or the one that a dangling symbolic ref names. */
  | { readonly state: "missing"; readonly name: RefName }
  /** `name` is damaged, has a target that isn't a name, or the chain is longer than git follows. */
  | { readonly state: "broken"; readonly name: RefName };

/** A reference as `git for-each-ref` lists it. */
export interface ListedRef {
  readonly name: RefName;
  /** For a symbolic reference that of its target. */
  readonly oid: Oid;
  /** For a symbolic reference the direct reference it finally leads to; undefined for others. */
  readonly symref: RefName | undefined;
  readonly peeled: PeeledOid;
}

/** Which references to list. All texts are binary strings; what is left out or empty restricts nothing. */
export interface RefListOptions {
  /** Lists names that start with one of these texts, such as `refs/heads/`. */
  readonly prefixes?: readonly string[] | undefined;
  /** Lists names that match one of these patterns of `git for-each-ref`. */
  readonly patterns?: readonly string[] | undefined;
  /** Leaves out names that match one of these patterns (`--exclude`). */
  readonly exclude?: readonly string[] | undefined;
  /** Lists names that sort behind this text (`--start-after`). */
  readonly after?: string | undefined;
  /** Lists HEAD and other references beside `refs/` as well (`--include-root-refs`). */
  readonly rootRefs?: boolean | undefined;
  /**
   * Is told the name of each damaged reference among the listed ones, about which git warns before
   * it leaves it out. Commands that walk history fail on them.
   */
  readonly onBroken?: ((name: string) => void) | undefined;
}

/**
 * Reads the references of one repository.
 *
 * An answer is as fresh as that of a git process started by the call: what is cached is checked
 * against the files each time. All methods work synchronously; they read local files that are small
 * or read in small parts.
 *
 * All throw a CorruptRefStoreError where git refuses to go on because of the store's damage, and a
 * UnreadableRefStoreError when the operating system doesn't let it be read.
 */
export interface RefReader {
  /**
   * What tells the present state of all references from every other one; undefined when that can't
   * be told, since they have changed just now, or would take too long.
   */
  version(): string | undefined;
  /** Returns what is stored by `name`, or undefined when nothing is. */
  read(name: RefName): StoredRef | undefined;
  /** Follows symbolic references from `name`, at most four of them, as git does. */
  resolve(name: RefName): RefResolution;
  /** Returns the object id that `name` resolves to, or undefined when it doesn't. */
  findOid(name: RefName): Oid | undefined;
  /**
   * Lists references in the order of their names' bytes.
   *
   * Damaged ones and symbolic ones that lead nowhere are left out, as `git for-each-ref` does. The
   * references are those of one moment, even when the caller takes its time; whether their objects
   * exist isn't checked. Whoever stops early must call the generator's `return`, as `for … of` does.
   */
  list(options?: RefListOptions): Generator<ListedRef, void, undefined>;
}
