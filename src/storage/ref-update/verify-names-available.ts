import { compareBinary } from "../../git/ref/binary-string.ts";
import type { RefName } from "../../git/ref/ref-name.ts";
import { ConflictingUpdatesError, RefNameConflictError } from "./ref-update-errors.ts";

/** The references among which a new one needs room. */
export interface OccupiedNames {
  has(name: RefName): boolean;
  /** The first name that starts with `prefix`. */
  firstWithPrefix(prefix: string): string | undefined;
}

/** All names that a transaction changes. */
export class ChangedNames {
  readonly #names: ReadonlySet<string>;
  readonly #sorted: readonly string[];

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
    this.#sorted = names.toSorted(compareBinary);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  firstWithPrefix(prefix: string): string | undefined {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] ?? "") < prefix) low = middle + 1;
      else high = middle;
    }
    const name = this.#sorted[low];
    return name?.startsWith(prefix) === true ? name : undefined;
  }
}

/**
 * Checks that new references need no directory where another reference has its name, nor the other
 * way round: among those that exist, and those that the same transaction changes.
 *
 * Generates between names, for callers that let others run. Throws `RefNameConflictError` and
 * `ConflictingUpdatesError`; which one comes first is as in git.
 */
export function* verifyNamesAvailable(
  names: Iterable<RefName>,
  occupied: OccupiedNames,
  changed: ChangedNames,
): Generator<undefined, void, undefined> {
  const free = new Set<string>();
  for (const name of names) {
    verifyParents(name, occupied, changed, free);
    const below = occupied.firstWithPrefix(`${name}/`);
    if (below !== undefined) throw new RefNameConflictError(below, name);
    const changedBelow = changed.firstWithPrefix(`${name}/`);
    if (changedBelow !== undefined) throw new ConflictingUpdatesError(name, changedBelow);
    yield;
  }
}

/** Adds to `free` what needs no second look. */
function verifyParents(
  name: RefName,
  occupied: OccupiedNames,
  changed: ChangedNames,
  free: Set<string>,
): void {
  for (let slash = name.indexOf("/"); slash >= 0; slash = name.indexOf("/", slash + 1)) {
    const parent = name.slice(0, slash);
    if (free.has(parent)) continue;
    free.add(parent);
    // A part of a name up to a slash is a name.
    if (occupied.has(parent as RefName)) throw new RefNameConflictError(parent, name);
    if (changed.has(parent)) throw new ConflictingUpdatesError(name, parent);
  }
}
