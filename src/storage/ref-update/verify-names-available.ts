import { compareBinary } from "../../git/ref/binary-string.ts";
import type { RefName } from "../../git/ref/ref-name.ts";
import { ConflictingUpdatesError, RefNameConflictError } from "./ref-update-errors.ts";

/** The references among which a new one needs room. */
export interface OccupiedNames {
  has(name: RefName): boolean;
  /** The first name that starts with `prefix`. */
  firstWithPrefix(prefix: string): string | undefined;
}

/**
 * All names that a transaction changes.
 *
 * Those that symbolic references add later stand at the end, out of order, and are searched as if
 * they were not, since that decides about which of two conflicts git speaks.
 */
export class ChangedNames {
  readonly #names: string[];

  constructor(names: readonly string[]) {
    this.#names = names.toSorted(compareBinary);
  }

  add(name: string): void {
    this.#names.push(name);
  }

  has(name: string): boolean {
    return this.#names[this.#lowerBound(name)] === name;
  }

  firstWithPrefix(prefix: string): string | undefined {
    const name = this.#names[this.#lowerBound(prefix)];
    return name?.startsWith(prefix) === true ? name : undefined;
  }

  #lowerBound(name: string): number {
    let left = 0;
    let right = this.#names.length;
    while (left < right) {
      const middle = left + ((right - left) >>> 1);
      const other = this.#names[middle] ?? "";
      if (other === name) return middle;
      if (name < other) right = middle;
      else left = middle + 1;
    }
    return right;
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
