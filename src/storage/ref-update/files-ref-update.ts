import { setImmediate as nextTurn } from "node:timers/promises";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import type { FilesRefReader } from "../../git/ref/files-ref-reader.ts";
import { HEAD, type RefName } from "../../git/ref/ref-name.ts";
import { refPath } from "../../git/ref/ref-path.ts";
import { GitExitError } from "../../gitcmd/git-runner.ts";
import type { FilesSettings } from "./files-settings.ts";
import { removeFile } from "./lock-file.ts";
import { OnlyGitKnowsError } from "./only-git-knows-error.ts";
import { PackedRefsDeletion } from "./packed-refs-deletion.ts";
import type { PendingRef } from "./pending-ref.ts";
import { removeEmptyDirectories, removeEmptyUpwards } from "./ref-directories.ts";
import { RefLocker } from "./ref-locker.ts";
import { RefNameConflictError } from "./ref-update-errors.ts";
import { SyncQueue } from "./sync-queue.ts";
import { systemErrorCode } from "./system-error-code.ts";
import {
  ChangedNames,
  type OccupiedNames,
  verifyNamesAvailable,
} from "./verify-names-available.ts";

/** The references of a repository stored as files, and how they are changed. */
export interface FilesRefStore {
  /** The repository's. */
  readonly directory: string;
  readonly reader: FilesRefReader;
  readonly objectFormat: ObjectFormat;
  readonly settings: FilesSettings;
}

interface UpdateOptions {
  /** Changes a symbolic reference itself, not the one that it leads to. */
  readonly noDeref: boolean;
  readonly signal: AbortSignal;
}

/** References changed between two pauses, so that others get their turn. */
const TURN_LENGTH = 64;

/**
 * Changes references stored as files, in the steps and with the locks of git's files backend
 * (gitrepository-layout, "refs" and "packed-refs").
 *
 * `prepare` locks every reference by a file `<name>.lock`, which holds the new value, and then
 * packed-refs when references are deleted. `commit` first puts the new values in place, then takes
 * the deleted references out of packed-refs and only then removes their files, so that no old value
 * comes to light again.
 */
export class FilesRefUpdate {
  readonly #store: FilesRefStore;
  readonly #options: UpdateOptions;
  readonly #signal: AbortSignal;
  readonly #pending: PendingRef[];
  /** Directories in which nothing may be left now that their locks are gone. */
  readonly #left = new Set<string>();
  #packed: PackedRefsDeletion | undefined;

  /** `pending` have names that exclude duplicates; references that follow from them are added. */
  constructor(store: FilesRefStore, pending: readonly PendingRef[], options: UpdateOptions) {
    this.#store = store;
    this.#options = options;
    this.#signal = options.signal;
    this.#pending = [...pending];
  }

  /**
   * Locks everything and checks all values. Throws `RefUpdateError`s, and for what is left to git
   * any other error, of which nothing is left behind.
   */
  async prepare(): Promise<void> {
    const syncs = new SyncQueue();
    try {
      await this.#lockAll(syncs);
      await syncs.drain();
      await this.#preparePacked();
    } catch (error) {
      await syncs.settle();
      this.rollback();
      throw error;
    }
  }

  /** Makes the changes. When this fails some of them may have been made, as with git. */
  async commit(): Promise<void> {
    try {
      await this.#inTurns((ref) => this.#putInPlace(ref));
      this.#packed?.commit();
      await this.#inTurns(({ name, isDeleted, isLoose }) => {
        if (isDeleted && isLoose) removeFile(refPath(this.#store.directory, name));
      });
      await this.#inTurns((ref) => this.#release(ref));
    } catch (cause) {
      const stderr = `fatal: commit: couldn't change references: ${String(cause)}\n`;
      throw new GitExitError({ exitCode: 128, signal: undefined, stderr }, { cause });
    } finally {
      this.rollback();
    }
  }

  /** Gives all locks back. What isn't in place by now never will be. */
  rollback(): void {
    for (const ref of this.#pending) this.#release(ref);
    // Once for each of them: to fail to remove a directory costs more than to give a lock back.
    for (const folder of this.#left) removeEmptyUpwards(this.#store.directory, folder);
    this.#left.clear();
    this.#packed?.rollback();
    this.#packed = undefined;
  }

  #release(ref: PendingRef): void {
    if (ref.lock === undefined) return;
    ref.lock.rollback();
    if (!ref.isInPlace) this.#left.add(ref.name.split("/").slice(0, -1).join("/"));
    ref.lock = undefined;
  }

  async #lockAll(syncs: SyncQueue): Promise<void> {
    const { settings, ...store } = this.#store;
    const { reader } = store;
    const pending = this.#pending;
    const names = new ChangedNames(pending.map(({ name }) => name));
    const locker = new RefLocker({
      ...{ ...store, ...this.#options, names, syncs, pending },
      timeoutMs: settings.refLockTimeoutMs,
      headTarget: readHeadTarget(reader),
    });
    // Grows: a symbolic reference adds the one that it leads to, and a branch adds HEAD.
    await this.#inTurns((ref) => locker.lock(ref));
    this.#signal.throwIfAborted();
    await this.#verifyPackedNames(locker.newNames, names);
  }

  /** As in git, packed-refs isn't locked for this unless something is deleted. */
  async #verifyPackedNames(newNames: readonly RefName[], names: ChangedNames): Promise<void> {
    if (newNames.length === 0) return;
    const { packed } = this.#store.reader;
    using open = packed.open();
    const { refs } = open;
    const occupied: OccupiedNames = {
      has: (name) => refs?.find(name) !== undefined,
      firstWithPrefix: (prefix) => refs?.firstName(prefix),
    };
    let count = 0;
    const steps = verifyNamesAvailable(newNames, occupied, names);
    try {
      while (steps.next().done !== true) if (++count % TURN_LENGTH === 0) await nextTurn();
    } catch (error) {
      if (!(error instanceof RefNameConflictError)) throw error;
      throw new OnlyGitKnowsError("a packed reference is in the way", error);
    }
  }

  async #preparePacked(): Promise<void> {
    const deleted = this.#pending.filter(({ isDeleted }) => isDeleted);
    if (deleted.length === 0) return;
    const { directory, reader, settings } = this.#store;
    this.#packed = await PackedRefsDeletion.prepare({
      directory,
      packed: reader.packed,
      names: deleted.map(({ name }) => name),
      timeoutMs: settings.packedRefsTimeoutMs,
      signal: this.#signal,
      twin: deleted[0]?.lock,
    });
    this.#signal.throwIfAborted();
  }

  #putInPlace(ref: PendingRef): void {
    const { directory } = this.#store;
    if (!ref.isWritten || ref.lock === undefined) return;
    const path = refPath(directory, ref.name);
    try {
      ref.lock.commit(path);
    } catch (error) {
      // A directory may have been made meanwhile by somebody who has failed.
      if (systemErrorCode(error) !== "EISDIR") throw error;
      removeEmptyDirectories(directory, ref.name);
      ref.lock.commit(path);
    }
    ref.isInPlace = true;
  }

  async #inTurns(action: (ref: PendingRef) => Promise<void> | void): Promise<void> {
    let count = 0;
    for (const ref of this.#pending) {
      await action(ref);
      if (++count % TURN_LENGTH === 0) await nextTurn();
    }
  }
}

/** The branch that HEAD leads to. Git takes nothing for a repository that has another HEAD. */
function readHeadTarget({ loose }: FilesRefReader): string | undefined {
  const head = loose.read(HEAD);
  if (typeof head === "object" && head.kind === "direct") return undefined;
  const target = typeof head === "object" && head.kind === "symbolic" ? head.target : "";
  if (target.startsWith("refs/")) return target;
  throw new OnlyGitKnowsError("repository has no valid HEAD");
}
