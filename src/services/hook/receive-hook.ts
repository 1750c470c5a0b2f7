import { type HookFailure, hookFailure } from "../../hooks/hook-errors.ts";
import type { HookManager } from "../../hooks/hook-manager.ts";
import type { Call } from "../../rpc/call.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { OpenedStream } from "../common/first-request.ts";
import type { ReplyQueue } from "../common/reply-queue.ts";
import { calledHook, refuseDiskTransaction } from "./hook-context.ts";
import { type HookReply, hookOutput, readHookInput } from "./hook-stream.ts";

const METHODS = { "pre-receive": "preReceive", "post-receive": "postReceive" } as const;

/** What a client sends of a hook that deals with all references of a push. */
interface ReceiveHookRequest {
  readonly environmentVariables: readonly string[];
  readonly gitPushOptions: readonly string[];
  readonly stdin: Uint8Array;
}

/** A hook that deals with all references of a push, as a client has called it. */
export interface CalledReceiveHook extends OpenedStream<ReceiveHookRequest> {
  readonly hooks: HookManager;
  readonly repository: LocatedRepository;
  readonly call: Call;
  readonly replies: ReplyQueue<HookReply>;
}

/**
 * Runs a hook and sends what it prints.
 *
 * @returns how the hook's process has to end when the hook refuses or can't do its work
 */
export async function runReceiveHook(
  hook: keyof typeof METHODS,
  { hooks, repository, first, rest, call, replies }: CalledReceiveHook,
): Promise<HookFailure | undefined> {
  try {
    const variables = first.environmentVariables;
    const called = calledHook(repository, variables, call, false);
    const { context, environment } = called;
    const changes = await readHookInput(rest);
    if (hook === "post-receive") refuseDiskTransaction(called);
    const input = { changes, environment, pushOptions: first.gitPushOptions };
    await hooks[METHODS[hook]](context, input, hookOutput(replies), call.signal);
    return undefined;
  } catch (error) {
    call.signal.throwIfAborted();
    const failure = hookFailure(hook, error);
    if (failure === undefined) throw error;
    return failure;
  }
}
