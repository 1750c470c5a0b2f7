import { DomainError } from "../../base/error/domain-error.ts";
import { findCause } from "../../base/error/find-cause.ts";
import type { Logger } from "../../base/log/logger.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { RepositoryCache } from "../../git/repository/repository-cache.ts";
import type { CommandUsage } from "../../gitcmd/command-usage.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Quarantine } from "../../storage/quarantine/quarantine.ts";
import type { RefTransaction } from "../../storage/ref-update/ref-transaction.ts";
import { startRefTransaction } from "../../storage/ref-update/start-ref-transaction.ts";
import type { HookName } from "../context/hook-name.ts";
import type {
  HookOutput,
  PushContext,
  ReceiveInput,
  ReferenceTransactionState,
} from "../context/push-context.ts";
import { CustomHookError } from "../hook-errors.ts";
import type { HookManager } from "../hook-manager.ts";
import {
  ChangeError,
  type HookPrint,
  type ReferenceChange,
  ReferenceChangeError,
  RefusedByHookError,
} from "./change-errors.ts";

export interface ChangeNeeds {
  readonly hooks: HookManager;
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly logger: Logger;
}

export interface ChangeOptions {
  readonly signal: AbortSignal;
  readonly usage: CommandUsage;
  /** Holds objects that the change brings; migrated once the change is allowed. */
  readonly quarantine?: Quarantine | undefined;
  readonly pushOptions?: readonly string[];
}

/**
 * Changes one reference for a user as if it was pushed: all hooks are asked, and votes are cast.
 *
 * @param context of the repository itself, not of the quarantine
 * @throws RefusedByHookError, ReferenceChangeError, and `ChangeError` for everything else; a
 *   `NotAllowedError` is among the causes of the last one when GitLab refuses
 */
export async function changeReference(
  needs: ChangeNeeds,
  context: PushContext,
  change: ReferenceChange,
  options: ChangeOptions,
): Promise<void> {
  await new GuardedChange(needs, context, change, options).run();
}

/** Bytes of each of a hook's outputs that are kept. */
const PRINT_BYTES_MAX = 1024 * 1024;

const NO_ENVIRONMENT: ReadonlyMap<string, string> = new Map();

class GuardedChange {
  readonly #needs: ChangeNeeds;
  readonly #context: PushContext;
  readonly #change: ReferenceChange;
  readonly #options: ChangeOptions;
  readonly #input: ReceiveInput;
  readonly #print = { stdout: "", stderr: "" };
  readonly #output: HookOutput;

  constructor(
    needs: ChangeNeeds,
    context: PushContext,
    change: ReferenceChange,
    options: ChangeOptions,
  ) {
    this.#needs = needs;
    this.#context = context;
    this.#change = change;
    this.#options = options;
    const { oldOid, newOid, name } = change;
    this.#input = {
      changes: bytesFromBinary(`${oldOid} ${newOid} ${name}\n`),
      environment: NO_ENVIRONMENT,
      pushOptions: options.pushOptions ?? [],
    };
    this.#output = {
      stdout: (chunk) => this.#collect("stdout", chunk),
      stderr: (chunk) => this.#collect("stderr", chunk),
    };
  }

  async run(): Promise<void> {
    await this.#askBefore();
    await this.#transact();
    await this.#tellAfter();
  }

  /** The quarantine's objects are there for all hooks that may refuse the change. */
  async #askBefore(): Promise<void> {
    const { hooks } = this.#needs;
    const { signal, quarantine } = this.#options;
    const context =
      quarantine === undefined
        ? this.#context
        : { ...this.#context, repository: quarantine.repository };
    await this.#ask("pre-receive", () =>
      hooks.preReceive(context, this.#input, this.#output, signal),
    );
    signal.throwIfAborted();
    // Git looks for the objects of a reference before it sets it.
    await quarantine?.migrate().catch((error) => {
      throw new ChangeError("migrating quarantined objects", error);
    });
    const { name, oldOid: oldValue, newOid: newValue } = this.#change;
    const ref = bytesFromBinary(name);
    const input = { ref, oldValue, newValue, environment: NO_ENVIRONMENT };
    await this.#ask("update", () => hooks.update(context, input, this.#output, signal));
  }

  async #transact(): Promise<void> {
    const { name, oldOid, newOid } = this.#change;
    // Git takes the name to end there, and what follows for an object id.
    if (name.includes("\0")) {
      throw new ReferenceChangeError(this.#change, new DomainError("unknown", "exit status 128"));
    }
    await using transaction = await this.#start();
    try {
      await transaction.update(name, newOid, oldOid);
    } catch (error) {
      throw new ChangeError("queueing ref update", error);
    }
    await this.#vote("preparing", "executing pre-locked reference-transaction hook");
    await this.#enter(() => transaction.prepare());
    await this.#vote("prepared", "executing preparatory reference-transaction hook");
    await this.#enter(() => transaction.commit());
    await this.#vote("committed", "executing committing reference-transaction hook");
  }

  async #start(): Promise<RefTransaction> {
    const { repository, objectFormat } = this.#context;
    const { signal, usage } = this.#options;
    try {
      const options = { signal, usage, objectFormat };
      return await startRefTransaction(this.#needs, repository, options);
    } catch (error) {
      throw new ChangeError("start reference transaction", error);
    }
  }

  /** What a program of the operator says after the change can't undo it any more. */
  async #tellAfter(): Promise<void> {
    const { hooks, logger } = this.#needs;
    const { signal } = this.#options;
    try {
      await hooks.postReceive(this.#context, this.#input, this.#output, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (findCause(error, CustomHookError) === undefined)
        throw this.#failure("post-receive", error);
      logger.error("custom post-receive hook returned an error", { error });
    }
  }

  async #ask(hook: HookName, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#options.signal.throwIfAborted();
      throw this.#failure(hook, error);
    }
  }

  #failure(hook: HookName, error: unknown): Error {
    const print: HookPrint = { ...this.#print };
    if (error instanceof DomainError && findCause(error, CustomHookError) !== undefined) {
      return new RefusedByHookError(hook, print, error);
    }
    return new ChangeError(`running ${hook} hooks`, error, print);
  }

  async #vote(state: ReferenceTransactionState, doing: string): Promise<void> {
    const { signal } = this.#options;
    try {
      const { changes } = this.#input;
      await this.#needs.hooks.referenceTransaction(this.#context, state, changes, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new ChangeError(doing, error);
    }
  }

  async #enter(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#options.signal.throwIfAborted();
      throw new ReferenceChangeError(this.#change, error);
    }
  }

  async #collect(stream: "stdout" | "stderr", chunk: Uint8Array): Promise<void> {
    const room = PRINT_BYTES_MAX - this.#print[stream].length;
    if (room > 0) this.#print[stream] += Buffer.from(chunk).toString("latin1").slice(0, room);
  }
}
