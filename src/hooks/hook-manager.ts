import type { HookName } from "./context/hook-name.ts";
import type {
  HookOutput,
  PushContext,
  ReceiveInput,
  ReferenceTransactionState,
  UpdateInput,
} from "./context/push-context.ts";

/**
 * Does what the hooks of a push do, in the server.
 *
 * Each rejects when the hook refuses: with a `CustomHookError` when a program of the operator did,
 * else with a `DomainError` whose message is for the pusher; `hookFailure` tells which status and
 * text a hook process would have ended with. An aborted signal rejects with its reason, and no
 * program runs any more by then.
 */
export interface HookManager {
  /** The hooks that have something to do; git need not be told about the others. */
  neededHooks(context: PushContext): ReadonlySet<HookName>;
  /** Before any ref changes; a refusal refuses the whole push. */
  preReceive(
    context: PushContext,
    input: ReceiveInput,
    output: HookOutput,
    signal: AbortSignal,
  ): Promise<void>;
  /** Before one ref changes; a refusal refuses this ref. */
  update(
    context: PushContext,
    input: UpdateInput,
    output: HookOutput,
    signal: AbortSignal,
  ): Promise<void>;
  /** After the refs have changed. */
  postReceive(
    context: PushContext,
    input: ReceiveInput,
    output: HookOutput,
    signal: AbortSignal,
  ): Promise<void>;
  /** At each step of a transaction of refs; `changes` are the lines git feeds to the hook. */
  referenceTransaction(
    context: PushContext,
    state: ReferenceTransactionState,
    changes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void>;
}
