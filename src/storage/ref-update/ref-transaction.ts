import type { ObjectFormat, Oid } from "../../git/oid/oid.ts";
import type { CommandUsage } from "../../gitcmd/command-usage.ts";
import type { HooksChoice } from "../../gitcmd/git-runner.ts";

export interface RefTransactionOptions {
  readonly signal: AbortSignal;
  /** Where the cost of git is noted, if it is needed at all. */
  readonly usage?: CommandUsage;
  readonly objectFormat: ObjectFormat;
  /** Changes a symbolic reference itself, not the one that it leads to. Default false. */
  readonly noDeref?: boolean;
  /** Hooks that git runs. Default `"disabled"`. */
  readonly hooks?: HooksChoice;
}

/**
 * Changes references all at once or not at all.
 *
 * References and targets are named by binary strings (see `git/ref/binary-string.ts`) without NUL;
 * whether they are valid names is checked by the transaction. Changes may be queued, so what is
 * wrong with one is thrown by it or by any later call, at the latest by `prepare` or `commit`:
 *
 * | Error | When |
 * |---|---|
 * | `InvalidRefNameError` | a name isn't one that git accepts |
 * | `RefLockedError`, `PackedRefsLockedError` | somebody else changes references just now |
 * | `RefMismatchError`, `RefExistsError` | a reference isn't what the caller expected |
 * | `RefNameConflictError` | `a` can't be made beside `a/b`, or the other way round |
 * | `ConflictingUpdatesError`, `RepeatedUpdateError` | changes of this transaction exclude each other |
 * | `ObjectNotFoundError`, `NotCommitError` | a reference can't hold the object |
 *
 * Everything else git refuses is a `GitExitError`. After an error nothing has changed, and every
 * call throws the same error again. Leaving without `commit` changes nothing: disposing aborts.
 */
export interface RefTransaction extends AsyncDisposable {
  /**
   * Sets a reference. Without `oldOid` its old value doesn't matter; the zero id stands for "must not
   * exist" as old and for "delete" as new value.
   */
  update(name: string, newOid: Oid, oldOid?: Oid): Promise<void>;
  /** Makes a reference that must not exist. */
  create(name: string, oid: Oid): Promise<void>;
  /** Removes a reference; one that doesn't exist is no error without `oldOid`. */
  delete(name: string, oldOid?: Oid): Promise<void>;
  /** Demands that a reference has a value, or doesn't exist when that is the zero id. */
  verify(name: string, oid: Oid): Promise<void>;
  /** Makes `name` a symbolic reference to `target`, which need not exist. */
  updateSymbolic(name: string, target: string): Promise<void>;
  /**
   * Checks what can be checked of the changes without locks, as `prepare` does first; more changes
   * may follow.
   */
  check(): Promise<void>;
  /** Locks all references and checks all changes; only `commit` or `abort` may follow. */
  prepare(): Promise<void>;
  /** Makes all changes, prepared or not, and ends the transaction. */
  commit(): Promise<void>;
  /** Gives all locks back, changes nothing, and ends the transaction. */
  abort(): Promise<void>;
}
