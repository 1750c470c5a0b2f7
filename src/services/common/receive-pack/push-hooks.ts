import type { Logger } from "../../../base/log/logger.ts";
import type { PushCommand } from "../../../git/receive/push-command.ts";
import { bytesFromBinary } from "../../../git/ref/binary-string.ts";
import { GitExitError } from "../../../gitcmd/git-runner.ts";
import type { HookName } from "../../../hooks/context/hook-name.ts";
import type { HookEnvironment, PushContext } from "../../../hooks/context/push-context.ts";
import { hookFailure } from "../../../hooks/hook-errors.ts";
import type { HookManager } from "../../../hooks/hook-manager.ts";
import { HOOK_FAILED_TEXT } from "../../../hooks/stub/hook-stub.ts";
import type { PushOutput } from "./push-output.ts";

interface PushHooksNeeds {
  readonly hooks: HookManager;
  readonly logger: Logger;
}

const NO_ENVIRONMENT: HookEnvironment = new Map();

/** The hooks of one push, as `git receive-pack` runs them: they tell the client, and say yes or no. */
export class PushHooks {
  readonly #needs: PushHooksNeeds;
  readonly #context: PushContext;
  readonly #output: PushOutput;
  readonly #signal: AbortSignal;
  readonly #needed: ReadonlySet<HookName>;

  constructor(
    needs: PushHooksNeeds,
    context: PushContext,
    output: PushOutput,
    signal: AbortSignal,
  ) {
    this.#needs = needs;
    this.#context = context;
    this.#output = output;
    this.#signal = signal;
    this.#needed = needs.hooks.neededHooks(context);
  }

  /** @param environment says where the quarantine is */
  preReceive(
    commands: readonly PushCommand[],
    pushOptions: readonly string[],
    environment: HookEnvironment,
  ): Promise<boolean> {
    const input = { changes: changeLines(commands), environment, pushOptions };
    return this.#ask("pre-receive", (hooks) =>
      hooks.preReceive(this.#context, input, this.#output.forHooks, this.#signal),
    );
  }

  update({ name, oldOid, newOid }: PushCommand): Promise<boolean> {
    const environment = NO_ENVIRONMENT;
    const input = { ref: bytesFromBinary(name), oldValue: oldOid, newValue: newOid, environment };
    return this.#ask("update", (hooks) =>
      hooks.update(this.#context, input, this.#output.forHooks, this.#signal),
    );
  }

  /** Nobody minds what the answer is: the references have changed. */
  async postReceive(
    commands: readonly PushCommand[],
    pushOptions: readonly string[],
  ): Promise<void> {
    if (commands.length === 0) return;
    const input = { changes: changeLines(commands), environment: NO_ENVIRONMENT, pushOptions };
    await this.#ask("post-receive", (hooks) =>
      hooks.postReceive(this.#context, input, this.#output.forHooks, this.#signal),
    );
  }

  /**
   * Votes on changes, when the push is part of a transaction over several servers. Throws what git
   * ends with when it must not go on.
   */
  async vote(state: "prepared" | "committed", commands: readonly PushCommand[]): Promise<void> {
    if (!this.#needed.has("reference-transaction")) return;
    const { hooks, logger } = this.#needs;
    try {
      const changes = changeLines(commands);
      await hooks.referenceTransaction(this.#context, state, changes, this.#signal);
    } catch (error) {
      this.#signal.throwIfAborted();
      logger.error(HOOK_FAILED_TEXT, { error: String(error) });
      await this.#output.stderr(Buffer.from(`${HOOK_FAILED_TEXT}\n`));
      // What has changed stays so.
      if (state === "committed") return;
      const stderr = `fatal: in '${state}' phase, update aborted by the reference-transaction hook\n`;
      await this.#output.stderr(Buffer.from(stderr));
      throw new GitExitError({ exitCode: 128, signal: undefined, stderr }, { cause: error });
    }
  }

  async #ask(
    name: "pre-receive" | "update" | "post-receive",
    call: (hooks: HookManager) => Promise<void>,
  ): Promise<boolean> {
    if (!this.#needed.has(name)) return true;
    try {
      await call(this.#needs.hooks);
      return true;
    } catch (error) {
      this.#signal.throwIfAborted();
      await this.#tellRefusal(name, error);
      return false;
    }
  }

  async #tellRefusal(name: HookName, error: unknown): Promise<void> {
    const failure = hookFailure(name, error);
    if (failure === undefined) {
      this.#needs.logger.error(HOOK_FAILED_TEXT, { error: String(error) });
    }
    const text = failure?.stderr ?? `${HOOK_FAILED_TEXT}\n`;
    await this.#output.forHooks.stderr(Buffer.from(text));
  }
}

/** The changes as hooks read them, see githooks(5). */
export function changeLines(commands: readonly PushCommand[]): Buffer {
  const lines = commands.map(({ name, oldOid, newOid }) => `${oldOid} ${newOid} ${name}\n`);
  return bytesFromBinary(lines.join(""));
}
