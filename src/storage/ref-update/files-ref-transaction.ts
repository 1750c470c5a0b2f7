import assert from "node:assert";
import { setImmediate as nextTurn } from "node:timers/promises";
import { DomainError } from "../../base/error/domain-error.ts";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { type Oid, zeroOid } from "../../git/oid/oid.ts";
import { compareBinary } from "../../git/ref/binary-string.ts";
import { checkChange } from "./check-change.ts";
import { type FilesRefStore, FilesRefUpdate } from "./files-ref-update.ts";
import { type PendingRef, pendingRef } from "./pending-ref.ts";
import { type RefChange, repeatChange } from "./ref-change.ts";
import type { RefTransaction } from "./ref-transaction.ts";
import { RefUpdateError, RepeatedUpdateError } from "./ref-update-errors.ts";
import { systemErrorCode } from "./system-error-code.ts";

/** Changes held in memory; git gets longer transactions. */
const CHANGES_MAX = 20_000;

/** Changes checked between two pauses, so that others get their turn. */
const TURN_LENGTH = 64;

const DONE: Promise<void> = Promise.resolve();

type State = "open" | "prepared" | "ended";

interface FilesRefTransactionOptions {
  readonly store: FilesRefStore;
  readonly objects: ObjectDatabase;
  readonly noDeref: boolean;
  readonly signal: AbortSignal;
  /** Gives back what the options brought, at the end. */
  readonly close: () => void;
  /** Starts the same with a git process. */
  readonly startGit: () => Promise<RefTransaction>;
}

/**
 * Changes references stored as files without a git process.
 *
 * Changes are only collected until they are prepared. Whatever can't be done then, or fails in a
 * way that has no error of its own, begins again with git: nothing has happened by then.
 */
export class FilesRefTransaction implements RefTransaction {
  readonly #options: FilesRefTransactionOptions;
  readonly #zero: Oid;
  readonly #changes: RefChange[] = [];
  readonly #checked: PendingRef[] = [];
  #state: State = "open";
  #failure: { readonly error: unknown } | undefined;
  #update: FilesRefUpdate | undefined;
  #git: RefTransaction | undefined;

  constructor(options: FilesRefTransactionOptions) {
    this.#options = options;
    this.#zero = zeroOid(options.store.objectFormat);
  }

  update(name: string, newOid: Oid, oldOid?: Oid): Promise<void> {
    return this.#queue({ name, newOid, oldOid });
  }

  create(name: string, oid: Oid): Promise<void> {
    return this.update(name, oid, this.#zero);
  }

  delete(name: string, oldOid?: Oid): Promise<void> {
    return this.update(name, this.#zero, oldOid);
  }

  verify(name: string, oid: Oid): Promise<void> {
    return this.#queue({ name, oldOid: oid });
  }

  updateSymbolic(name: string, target: string): Promise<void> {
    return this.#queue({ name, newTarget: target });
  }

  async check(): Promise<void> {
    await this.#try(async () => {
      const { objects } = this.#options;
      while (this.#git === undefined && this.#checked.length < this.#changes.length) {
        const change = this.#changes[this.#checked.length];
        if (change !== undefined)
          this.#checked.push(pendingRef(checkChange(change, objects), change));
        if (this.#checked.length % TURN_LENGTH === 0) await nextTurn();
      }
    });
  }

  async prepare(): Promise<void> {
    this.#enter("prepare", ["open"], "prepared");
    await this.#prepare();
  }

  async commit(): Promise<void> {
    const isPrepared = this.#state === "prepared";
    this.#enter("commit", ["open", "prepared"], "ended");
    if (!isPrepared) await this.#prepare();
    this.#throwFailure();
    // What has begun by now is brought to its end.
    this.#options.signal.removeEventListener("abort", this.#giveBack);
    const update = this.#update;
    this.#update = undefined;
    try {
      await (this.#git ?? update)?.commit();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async abort(): Promise<void> {
    this.#state = "ended";
    this.#giveBack();
    await this.#git?.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
    await this.#git?.[Symbol.asyncDispose]();
    this.#options.close();
  }

  #queue(change: RefChange): Promise<void> {
    if (this.#failure !== undefined) return this.#rejected();
    assert(this.#state === "open", `a change comes too late: the transaction is ${this.#state}`);
    const { name, newTarget = "" } = change;
    assert(!name.includes("\0") && !newTarget.includes("\0"), "an argument contains NUL");
    if (this.#git !== undefined) return repeatChange(change, this.#git);
    this.#changes.push(change);
    return this.#changes.length > CHANGES_MAX ? this.#try(() => this.#leaveToGit()) : DONE;
  }

  async #rejected(): Promise<never> {
    throw this.#failure?.error;
  }

  #enter(step: string, from: readonly State[], to: State): void {
    this.#throwFailure();
    assert(from.includes(this.#state), `no ${step}: the transaction is ${this.#state}`);
    this.#state = to;
  }

  async #prepare(): Promise<void> {
    await this.check();
    if (this.#git === undefined) await this.#try(() => this.#lock());
    // It may be since just now that it is left to git.
    await this.#try(async () => this.#git?.prepare());
  }

  async #lock(): Promise<void> {
    const { store, noDeref, signal } = this.#options;
    refuseRepeatedNames(this.#checked);
    const update = new FilesRefUpdate(store, this.#checked, { noDeref, signal });
    await update.prepare();
    this.#update = update;
    signal.addEventListener("abort", this.#giveBack);
  }

  /** Gives locks back, so that others needn't wait for whoever has lost interest. */
  readonly #giveBack = (): void => {
    const { signal } = this.#options;
    signal.removeEventListener("abort", this.#giveBack);
    this.#update?.rollback();
    this.#update = undefined;
    if (signal.aborted) this.#failure ??= { error: signal.reason };
  };

  /** Begins again with git when something fails of which only git knows what it means. */
  async #try(action: () => Promise<void>): Promise<void> {
    this.#throwFailure();
    try {
      await action();
    } catch (error) {
      if (this.#git !== undefined || !isLeftToGit(error) || this.#options.signal.aborted) {
        throw this.#fail(error);
      }
      await this.#leaveToGit().catch((cause: unknown) => {
        throw this.#fail(cause);
      });
    }
  }

  async #leaveToGit(): Promise<void> {
    const git = await this.#options.startGit();
    this.#git = git;
    for (const change of this.#changes.splice(0)) await repeatChange(change, git);
  }

  #fail(error: unknown): unknown {
    const { signal } = this.#options;
    this.#giveBack();
    this.#failure ??= { error: signal.aborted ? signal.reason : error };
    return this.#failure.error;
  }

  #throwFailure(): void {
    if (this.#options.signal.aborted) throw this.#fail(this.#options.signal.reason);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function isLeftToGit(error: unknown): boolean {
  if (error instanceof RefUpdateError) return false;
  return error instanceof DomainError || systemErrorCode(error) !== undefined;
}

/** As git, names the first one of them in order. */
function refuseRepeatedNames(pending: readonly PendingRef[]): void {
  const names = pending.map(({ name }) => name).sort(compareBinary);
  const repeated = names.find((name, index) => name === names[index + 1]);
  if (repeated !== undefined) throw new RepeatedUpdateError(repeated);
}
