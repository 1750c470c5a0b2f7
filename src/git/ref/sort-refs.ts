import { compareBinary } from "./binary-string.ts";
import type { RefName } from "./ref-name.ts";
import { versionCompare } from "./version-compare.ts";

/** Fields of `git for-each-ref --sort` that hold a time, in seconds since 1970. */
export type RefDateField = "authordate" | "committerdate" | "creatordate" | "taggerdate";

/** One key of `git for-each-ref --sort`. */
export interface RefSortKey {
  readonly field: RefDateField | "refname" | "version:refname";
  readonly isDescending: boolean;
}

/** How references are put in order. */
export interface RefOrder<Ref> {
  /** The first key decides; what is equal by it is ordered by the next, and at last by name. */
  readonly keys: readonly RefSortKey[];
  /** Reads a time of a reference's object; undefined when objects of its type have none. */
  readonly readDate: (ref: Ref, field: RefDateField) => number | undefined;
  /** The values of `versionsort.suffix`. */
  readonly versionSuffixes?: readonly string[];
}

const FIELDS: ReadonlyMap<string, RefSortKey["field"]> = new Map([
  ["authordate", "authordate"],
  ["committerdate", "committerdate"],
  ["creatordate", "creatordate"],
  ["refname", "refname"],
  ["taggerdate", "taggerdate"],
  ["v:refname", "version:refname"],
  ["version:refname", "version:refname"],
]);

/** Parses a key such as `-committerdate`; undefined when it isn't one of the supported ones. */
export function parseRefSortKey(text: string): RefSortKey | undefined {
  const isDescending = text.startsWith("-");
  const field = FIELDS.get(isDescending ? text.slice(1) : text);
  return field && { field, isDescending };
}

/** Returns the references in the order of `git for-each-ref --sort`. Each date is read once. */
export function sortRefs<Ref extends { readonly name: RefName }>(
  refs: readonly Ref[],
  { keys, readDate, versionSuffixes = [] }: RefOrder<Ref>,
): Ref[] {
  const dated = refs.map((ref) => ({ ref, dates: keys.map(({ field }) => dateOf(ref, field)) }));
  return dated.sort(compare).map(({ ref }) => ref);

  function dateOf(ref: Ref, field: RefSortKey["field"]): number {
    if (field === "refname" || field === "version:refname") return 0;
    return readDate(ref, field) ?? 0;
  }

  function compare(one: Dated<Ref>, other: Dated<Ref>): number {
    for (const [index, { field, isDescending }] of keys.entries()) {
      const order = compareField(one, other, index, field);
      if (order !== 0) return isDescending ? -order : order;
    }
    return compareBinary(one.ref.name, other.ref.name);
  }

  function compareField(
    one: Dated<Ref>,
    other: Dated<Ref>,
    index: number,
    field: RefSortKey["field"],
  ): number {
    if (field === "refname") return compareBinary(one.ref.name, other.ref.name);
    if (field === "version:refname") {
      return versionCompare(one.ref.name, other.ref.name, versionSuffixes);
    }
    return (one.dates[index] ?? 0) - (other.dates[index] ?? 0);
  }
}

interface Dated<Ref> {
  readonly ref: Ref;
  readonly dates: readonly number[];
}
