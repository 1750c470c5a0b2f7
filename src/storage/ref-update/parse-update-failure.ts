import {
  ConflictingUpdatesError,
  InvalidRefNameError,
  NotCommitError,
  ObjectNotFoundError,
  PackedRefsLockedError,
  RefExistsError,
  RefLockedError,
  RefMismatchError,
  RefNameConflictError,
  type RefUpdateError,
  RepeatedUpdateError,
} from "./ref-update-errors.ts";

/** Where a repository keeps its references. */
export type RefStorage = "files" | "reftable";

interface Complaint {
  /** Where only one storage words it so. */
  readonly storage?: RefStorage;
  readonly pattern: RegExp;
  /** Makes the error from what the pattern has captured. */
  readonly error: (first: string, second: string, third: string) => RefUpdateError;
}

/**
 * The words of `git update-ref`. The order matters: the lock of packed-refs is named as the reason
 * why a reference can't be deleted.
 *
 * Clients know what Gitaly makes of them. Among references in files it tells a conflict of names only
 * where git has met a loose one; git's words for a packed one are to it no reason it knows.
 */
const COMPLAINTS: readonly Complaint[] = [
  {
    pattern:
      /^fatal: (?:prepare|commit): cannot lock ref '(.+?)': Unable to create '.*': File exists\./,
    error: (name) => new RefLockedError(name),
  },
  {
    pattern: /^fatal: (?:prepare|commit): cannot lock references\n/,
    error: () => new RefLockedError(""),
  },
  {
    pattern: /packed-refs\.lock': File exists\.\n|packed-refs\.new: File exists\n$/,
    error: () => new PackedRefsLockedError(),
  },
  {
    pattern: /^fatal: invalid ref format: (.*)\n$/,
    error: (name) => new InvalidRefNameError(name),
  },
  {
    storage: "files",
    pattern: /^fatal: .*: cannot lock ref '.*': '(.*)' exists; cannot create '(.*)'\n$/,
    error: (existing, conflicting) => new RefNameConflictError(existing, conflicting),
  },
  {
    storage: "reftable",
    pattern: /^fatal: .*: '(.*)' exists; cannot create '(.*)'\n$/,
    error: (existing, conflicting) => new RefNameConflictError(existing, conflicting),
  },
  {
    pattern: /^fatal: .*: cannot process '(.*)' and '(.*)' at the same time\n$/,
    error: (first, second) => new ConflictingUpdatesError(first, second),
  },
  {
    pattern: /^fatal: (?:.*: )?trying to write ref '(.*)' with nonexistent object (.*)\n$/,
    error: (name, oid) => new ObjectNotFoundError(name, oid),
  },
  {
    pattern: /^fatal: (?:.*: )?trying to write non-commit object (.*) to branch '(.*)'\n/,
    error: (oid, name) => new NotCommitError(name, oid),
  },
  {
    pattern: /^fatal: (?:.*: )?cannot lock ref '(.*)': is at (.*) but expected (.*)\n$/,
    error: (name, actual, expected) => new RefMismatchError(name, expected, actual),
  },
  {
    pattern: /^fatal: .*: cannot lock ref '(.*)': reference already exists\n$/,
    error: (name) => new RefExistsError(name),
  },
  {
    pattern: /^fatal: .*: multiple updates for ref '(.*)' not allowed\n$/,
    error: (name) => new RepeatedUpdateError(name),
  },
];

/**
 * Finds out why `git update-ref --stdin` failed from all of its stderr, a binary string; undefined
 * when it is none of the reasons that callers tell apart.
 */
export function parseUpdateFailure(
  stderr: string,
  refStorage: RefStorage,
): RefUpdateError | undefined {
  for (const { storage = refStorage, pattern, error } of COMPLAINTS) {
    if (storage !== refStorage) continue;
    const match = pattern.exec(stderr);
    if (match !== null) return error(match[1] ?? "", match[2] ?? "", match[3] ?? "");
  }
  return undefined;
}
