import { setImmediate as nextTurn } from "node:timers/promises";
import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import { compareBinary } from "../../git/ref/binary-string.ts";
import type { ListedRef } from "../../git/ref/ref-reader.ts";
import { type RefDateField, type RefSortKey, sortRefs } from "../../git/ref/sort-refs.ts";
import { compileWildmatch } from "../../git/wildmatch/wildmatch.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { readObject } from "../common/read-commit.ts";
import { asCString, dateRole, findPerson, personDate } from "./ref-atoms.ts";

/** Which references to list and in what order. Texts are binary strings. */
export interface RefQuery {
  readonly patterns: readonly string[];
  readonly exclude?: readonly string[];
  /** Patterns match, and names are sorted, without regard to the case of ASCII letters. */
  readonly ignoreCase?: boolean;
  /** Without it by name. References that are equal by it stand in the order of their names. */
  readonly sort?: RefSortKey | undefined;
  /** Lets only some of them through. */
  readonly filter?: (ref: ListedRef) => boolean | Promise<boolean>;
}

const BY_NAME: RefSortKey = { field: "refname", isDescending: false };

/** References that are looked at before the event loop gets its turn. */
const TURN_REFS = 256;

/**
 * Lists references as `git for-each-ref` does. Throws an ObjectNotFoundError when it has to look at
 * an object that isn't there.
 */
export async function* listedRefs(
  repository: OpenedRepository,
  query: RefQuery,
  signal: AbortSignal,
): AsyncGenerator<ListedRef, void, undefined> {
  for await (const batch of listedRefBatches(repository, query, signal)) yield* batch;
}

/** As `listedRefs`, some at a time: a turn for each of them would cost more than many listings. */
export async function* listedRefBatches(
  repository: OpenedRepository,
  query: RefQuery,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedRef[], void, undefined> {
  const { ignoreCase = false, sort = BY_NAME } = query;
  const refs = filteredRefs(repository, query, signal);
  if (sort.field === "refname" && !sort.isDescending && !ignoreCase) {
    yield* refs;
    return;
  }
  const all: ListedRef[] = [];
  const dates = new Map<ListedRef, number>();
  for await (const batch of refs) {
    for (const ref of batch) {
      all.push(ref);
      if (!isDate(sort.field)) continue;
      dates.set(ref, await readDate(repository, ref, sort.field, signal));
    }
  }
  const sorted = ignoreCase
    ? sortWithoutCase(all, sort, dates)
    : sortRefs(all, { keys: [sort], readDate: (ref) => dates.get(ref) });
  for (let start = 0; start < sorted.length; start += TURN_REFS) {
    yield sorted.slice(start, start + TURN_REFS);
  }
}

function isDate(field: RefSortKey["field"]): field is RefDateField {
  return field !== "refname" && field !== "version:refname";
}

async function* filteredRefs(
  repository: OpenedRepository,
  query: RefQuery,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedRef[], void, undefined> {
  const { filter } = query;
  let batch: ListedRef[] = [];
  let count = 0;
  try {
    for (const ref of matchingRefs(repository, query)) {
      if (filter === undefined || (await filter(ref))) batch.push(ref);
      const isTurn = ++count % TURN_REFS === 0;
      // Filters take their time: whoever wants few references needn't wait for many.
      if (batch.length > 0 && (isTurn || filter !== undefined)) {
        yield batch;
        batch = [];
      }
      if (isTurn) await nextTurn(undefined, { signal });
    }
  } catch (error) {
    // What was found before is listed before.
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

function matchingRefs({ refs }: OpenedRepository, query: RefQuery): Iterable<ListedRef> {
  const { patterns, exclude, ignoreCase = false } = query;
  if (!ignoreCase) return refs.list({ patterns, exclude });
  return matchingWithoutCase(refs.list(), matcher(patterns), matcher(exclude ?? []));
}

function* matchingWithoutCase(
  refs: Iterable<ListedRef>,
  isListed: (name: string) => boolean,
  isExcluded: (name: string) => boolean,
): Generator<ListedRef, void, undefined> {
  for (const ref of refs) if (isListed(ref.name) && !isExcluded(ref.name)) yield ref;
}

/** As for git, a text without wildcards matches folders below it only in its own case. */
function matcher(patterns: readonly string[]): (name: string) => boolean {
  const matchers = patterns.map((pattern) => {
    const matches = compileWildmatch(pattern, { pathname: true, caseFold: true });
    return (name: string) => isAtOrBelow(name, pattern) || matches(name);
  });
  return (name) => matchers.some((matches) => matches(name));
}

function isAtOrBelow(name: string, pattern: string): boolean {
  if (!name.startsWith(pattern)) return false;
  return name.length === pattern.length || name[pattern.length] === "/" || pattern.endsWith("/");
}

function sortWithoutCase(
  refs: readonly ListedRef[],
  { field, isDescending }: RefSortKey,
  dates: ReadonlyMap<ListedRef, number>,
): ListedRef[] {
  const keyed = refs.map((ref) => ({ ref, name: foldCase(ref.name), date: dates.get(ref) ?? 0 }));
  const sign = isDescending ? -1 : 1;
  return keyed
    .sort((one, other) => {
      const byName = compareBinary(one.name, other.name);
      if (!isDate(field)) return sign * byName;
      return sign * (one.date - other.date) || byName;
    })
    .map(({ ref }) => ref);
}

function foldCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

async function readDate(
  { objects }: OpenedRepository,
  { oid }: ListedRef,
  field: RefDateField,
  signal: AbortSignal,
): Promise<number> {
  const header = objects.header(oid);
  if (header === undefined) throw new ObjectNotFoundError(oid);
  const role = dateRole(field, header.type);
  if (role === undefined) return 0;
  const object = await readObject(objects, oid, signal);
  if (object === undefined) throw new ObjectNotFoundError(oid);
  const person = findPerson(asCString(object.content), role);
  return Number((person && personDate(person)?.seconds) ?? 0n);
}
