import { type ObjectFormat, type Oid, zeroOid } from "../../git/oid/oid.ts";
import { compareBinary } from "../../git/ref/binary-string.ts";
import type { FilesRefReader } from "../../git/ref/files-ref-reader.ts";
import { HEAD, parseRefName, type RefName } from "../../git/ref/ref-name.ts";
import { refPath } from "../../git/ref/ref-path.ts";
import type { StoredRef } from "../../git/ref/ref-reader.ts";
import { FileLockedError, LockFile } from "./lock-file.ts";
import { OnlyGitKnowsError } from "./only-git-knows-error.ts";
import { type PendingRef, pendingRef } from "./pending-ref.ts";
import { makeParents, removeEmptyDirectories } from "./ref-directories.ts";
import { RefExistsError, RefLockedError, RefMismatchError } from "./ref-update-errors.ts";
import type { SyncQueue } from "./sync-queue.ts";
import { systemErrorCode } from "./system-error-code.ts";
import { type ChangedNames, verifyNamesAvailable } from "./verify-names-available.ts";

interface RefLockerOptions {
  /** The repository's. */
  readonly directory: string;
  readonly reader: FilesRefReader;
  readonly objectFormat: ObjectFormat;
  /** Changes a symbolic reference itself, not the one that it leads to. */
  readonly noDeref: boolean;
  /** Those that were asked for; takes those that symbolic references lead to. */
  readonly names: ChangedNames;
  /** Takes the references that follow from others. */
  readonly pending: PendingRef[];
  readonly syncs: SyncQueue;
  readonly timeoutMs: number;
  /** The branch that HEAD leads to. */
  readonly headTarget: string | undefined;
  readonly signal: AbortSignal;
}

/** How often a lock is tried again whose directory somebody removes just now. */
const ATTEMPTS_MAX = 3;

/** Locks references one after the other, checks their values and writes the new ones down. */
export class RefLocker {
  /** References that don't exist yet; whether there is room for them is still to be checked. */
  readonly newNames: RefName[] = [];
  readonly #options: RefLockerOptions;
  readonly #zero: Oid;
  readonly #locked = new Set<string>();
  /** A lock of ours that stays empty; those that do as well are other names of its file. */
  #emptyLock: LockFile | undefined;

  constructor(options: RefLockerOptions) {
    this.#options = options;
    this.#zero = zeroOid(options.objectFormat);
  }

  /** Locks one reference, and notes in it what is to be done for it. */
  async lock(ref: PendingRef): Promise<void> {
    ref.isDeleted = ref.change.newOid === this.#zero && !ref.isLogOnly;
    this.#takeHeadAlong(ref);
    if (this.#locked.has(ref.name)) throw new OnlyGitKnowsError("reference is reached twice");
    this.#locked.add(ref.name);
    ref.lock = await this.#acquire(ref);
    if (staysEmpty(ref)) this.#emptyLock ??= ref.lock;
    const stored = this.#readLocked(ref);
    if (ref.isLogOnly) checkHead(ref, stored);
    else if (stored?.kind === "symbolic" && !this.#options.noDeref)
      this.#follow(ref, stored.target);
    const content = ref.isLogOnly ? undefined : this.#newContent(ref, stored);
    if (content === undefined) {
      ref.lock.close();
      return;
    }
    ref.isWritten = true;
    await this.#options.syncs.add(ref.lock.write(content));
  }

  /** The branch that HEAD leads to isn't changed without the lock of HEAD, whose reflog tells it. */
  #takeHeadAlong(ref: PendingRef): void {
    const { headTarget, names, pending } = this.#options;
    if (ref.name !== headTarget || ref.isLogOnly || ref.isViaHead) return;
    if (names.has(HEAD)) throw new OnlyGitKnowsError("HEAD changes as well");
    pending.push(pendingRef(HEAD, ref.change, { parent: ref, isLogOnly: true }));
  }

  async #acquire(ref: PendingRef): Promise<LockFile> {
    const { directory, timeoutMs, signal } = this.#options;
    const path = refPath(directory, `${ref.name}.lock`);
    const twin = staysEmpty(ref) ? this.#emptyLock : undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        return await LockFile.acquire(path, { timeoutMs, signal, twin });
      } catch (error) {
        if (error instanceof FileLockedError) throw new RefLockedError(originalName(ref));
        const code = systemErrorCode(error);
        if (code === "ENOTDIR") this.#failWithoutRoom(ref);
        if (code !== "ENOENT" || attempt > ATTEMPTS_MAX) throw error;
        this.#makeParents(ref);
      }
    }
  }

  #makeParents(ref: PendingRef): void {
    try {
      makeParents(this.#options.directory, ref.name);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === "ENOTDIR") this.#failWithoutRoom(ref);
      // Somebody has removed what was there; the next attempt makes it again.
      if (code !== "ENOENT") throw error;
    }
  }

  #readLocked(ref: PendingRef): StoredRef | undefined {
    const { reader } = this.#options;
    const loose = reader.loose.read(ref.name);
    if (loose === "obstructed") throw new OnlyGitKnowsError("reference can't be read");
    ref.isLoose = typeof loose === "object";
    const stored = typeof loose === "object" ? loose : reader.packed.find(ref.name);
    if (stored === undefined) this.#clearWay(ref, loose === "directory");
    if (stored?.kind === "broken") throw new OnlyGitKnowsError("reference is broken");
    return stored;
  }

  /** Removes empty directories that stand where a new reference will have its file. */
  #clearWay(ref: PendingRef, isDirectory: boolean): void {
    const { directory } = this.#options;
    const { oldOid } = ref.change;
    const mustExist = !ref.isLogOnly && oldOid !== undefined && oldOid !== this.#zero;
    if (mustExist) throw new OnlyGitKnowsError("reference is missing");
    if (isDirectory && !removeEmptyDirectories(directory, ref.name)) {
      this.#failWithoutRoom(ref);
    }
    this.newNames.push(ref.name);
  }

  /** Throws the error that names the reference in the way; git knows what else there may be. */
  #failWithoutRoom(ref: PendingRef): never {
    const { reader, names } = this.#options;
    const occupied = {
      has: (name: RefName) => {
        const loose = reader.loose.read(name);
        return typeof loose === "object" ? loose.kind !== "broken" : isPacked(reader, name);
      },
      firstWithPrefix: (prefix: string) => firstWithPrefix(reader, prefix),
    };
    const { oldOid } = ref.change;
    const mustExist = !ref.isLogOnly && oldOid !== undefined && oldOid !== this.#zero;
    if (!mustExist) verifyNamesAvailable([ref.name], occupied, names).next();
    throw new OnlyGitKnowsError("something is in the way of a reference");
  }

  /** Turns a change of a symbolic reference into one of what it leads to. */
  #follow(ref: PendingRef, target: string): void {
    const name = parseRefName(target, { oneLevel: true });
    const { names, pending } = this.#options;
    if (name === undefined || names.has(name)) {
      throw new OnlyGitKnowsError("target of a symbolic reference can't be changed");
    }
    const isViaHead = ref.isViaHead || ref.name === HEAD;
    pending.push(pendingRef(name, ref.change, { parent: ref, isViaHead }));
    names.add(name);
    ref.isLogOnly = true;
    ref.isDeleted = false;
  }

  /** Compares the present with the expected value, and tells the former. */
  #checkedOid(ref: PendingRef, stored: StoredRef | undefined): Oid {
    const { oldOid } = ref.change;
    const oid = this.#presentOid(stored);
    if (oldOid === undefined) return oid;
    if (oid === oldOid) {
      if (oid === this.#zero && stored !== undefined) {
        throw new OnlyGitKnowsError("symbolic reference leads nowhere");
      }
      return oid;
    }
    if (oldOid === this.#zero) throw new RefExistsError(originalName(ref));
    if (oid === this.#zero) throw new OnlyGitKnowsError("reference is missing");
    throw new RefMismatchError(originalName(ref), oldOid, oid);
  }

  #presentOid(stored: StoredRef | undefined): Oid {
    if (stored === undefined) return this.#zero;
    if (stored.kind === "direct") return stored.oid;
    const target =
      stored.kind === "symbolic" ? parseRefName(stored.target, { oneLevel: true }) : undefined;
    const resolution = target && this.#options.reader.resolve(target);
    if (resolution?.state === "found") return resolution.oid;
    if (resolution?.state === "missing") return this.#zero;
    throw new OnlyGitKnowsError("symbolic reference is broken");
  }

  /** Checks the value; tells what the lock file shall hold, undefined when the reference has its value already. */
  #newContent(ref: PendingRef, stored: StoredRef | undefined): string | undefined {
    const oid = this.#checkedOid(ref, stored);
    const { newOid, newTarget } = ref.change;
    if (newTarget !== undefined) return `ref: ${newTarget}\n`;
    if (newOid === undefined || newOid === this.#zero) return undefined;
    return newOid === oid && stored?.kind === "direct" ? undefined : `${newOid}\n`;
  }
}

function staysEmpty({ isLogOnly, isDeleted, change }: PendingRef): boolean {
  const writes = change.newOid !== undefined || change.newTarget !== undefined;
  return isLogOnly || isDeleted || !writes;
}

/** HEAD is only locked along with the branch that it leads to; nobody knows what another one is for. */
function checkHead({ parent }: PendingRef, stored: StoredRef | undefined): void {
  if (stored?.kind === "symbolic" && stored.target === parent?.name) return;
  throw new OnlyGitKnowsError("HEAD has changed meanwhile");
}

/** The reference that a caller has named. */
function originalName(ref: PendingRef): string {
  return ref.parent === undefined ? ref.name : originalName(ref.parent);
}

function isPacked({ packed }: FilesRefReader, name: RefName): boolean {
  return packed.find(name) !== undefined;
}

function firstWithPrefix({ loose, packed }: FilesRefReader, prefix: string): string | undefined {
  const names = loose.list(prefix).map(({ name }): string => name);
  using open = packed.open();
  const first = open.refs?.firstName(prefix);
  if (first !== undefined) names.push(first);
  return names.sort(compareBinary)[0];
}
