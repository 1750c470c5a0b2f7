import type { RefName } from "../../git/ref/ref-name.ts";
import type { LockFile } from "./lock-file.ts";
import type { RefChange } from "./ref-change.ts";

/** A reference on its way to a new value. */
export interface PendingRef {
  readonly name: RefName;
  readonly change: RefChange;
  /** The symbolic reference by which this one is reached, or the branch that takes HEAD along. */
  readonly parent: PendingRef | undefined;
  /** Reached by way of HEAD, which is locked therefore. */
  readonly isViaHead: boolean;
  /** Only locked; in git its reflog is written. */
  isLogOnly: boolean;
  isDeleted: boolean;
  /** It has a file of its own. */
  isLoose: boolean;
  /** The lock file holds the new value. */
  isWritten: boolean;
  /** The new value counts. */
  isInPlace: boolean;
  lock: LockFile | undefined;
}

/** A reference of which nothing is known yet but what it shall become. */
export function pendingRef(
  name: RefName,
  change: RefChange,
  more: Partial<PendingRef> = {},
): PendingRef {
  return {
    name,
    change,
    parent: undefined,
    isViaHead: false,
    isLogOnly: false,
    isDeleted: false,
    isLoose: false,
    isWritten: false,
    isInPlace: false,
    lock: undefined,
    ...more,
  };
}
