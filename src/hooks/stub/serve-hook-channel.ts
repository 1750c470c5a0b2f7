import type { Duplex } from "node:stream";
import { type Logger, silentLogger } from "../../base/log/logger.ts";
import type { HookName } from "../context/hook-name.ts";
import type { PushContext, ReferenceTransactionState } from "../context/push-context.ts";
import { hookFailure } from "../hook-errors.ts";
import type { HookManager } from "../hook-manager.ts";
import { ChannelOutput } from "./channel-output.ts";
import { ChannelReader } from "./channel-reader.ts";
import { HookGoneError, HookProtocolError } from "./hook-protocol-error.ts";
import { HOOK_FAILED_TEXT } from "./hook-stub.ts";
import { type HookCall, readHookCall } from "./read-hook-call.ts";

/** What a process with hook stubs is served with. */
interface Served {
  readonly manager: HookManager;
  readonly context: PushContext;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/**
 * Does the work of the hooks that a git process starts, one after another, until that closes
 * `channel`, its descriptor 3, or `signal` is aborted; then closes it too.
 *
 * Never rejects. What is no request of a hook ends the channel, which makes the hook refuse; when a
 * hook's process goes away while its work is in progress, the work is given up.
 */
export async function serveHookChannel(
  channel: Duplex,
  manager: HookManager,
  context: PushContext,
  signal: AbortSignal,
  logger: Logger = silentLogger,
): Promise<void> {
  const reader = new ChannelReader(channel);
  const close = (): void => void channel.destroy();
  channel.on("error", () => undefined);
  signal.addEventListener("abort", close, { once: true });
  try {
    while (!signal.aborted && (await reader.arrival())) {
      const call = await readHookCall(reader);
      await serveCall(channel, reader, call, { manager, context, signal, logger });
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof HookGoneError)) {
      logger.error("hook channel closed", { error: String(error) });
    }
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/** Throws when the other side isn't there to hear the answer any more. */
async function serveCall(
  channel: Duplex,
  reader: ChannelReader,
  call: HookCall,
  served: Served,
): Promise<void> {
  const output = new ChannelOutput(channel, call.processId);
  const interruption = new AbortController();
  let isRunning = true;
  const watched = reader.arrival().then((hasArrived) => {
    // A hook says nothing while it waits for its answer: this would be the next one.
    const error = hasArrived ? new HookProtocolError("hook's request is garbled") : undefined;
    if (isRunning) interruption.abort(error ?? new HookGoneError());
  });
  const signal = AbortSignal.any([served.signal, interruption.signal]);
  try {
    await runHook(call, output, { ...served, signal });
  } catch (error) {
    signal.throwIfAborted();
    await refuse(call, output, error, served.logger);
    return;
  } finally {
    isRunning = false;
    void watched;
  }
  await output.exit(0);
}

async function refuse(
  call: HookCall,
  output: ChannelOutput,
  error: unknown,
  logger: Logger,
): Promise<void> {
  if (error instanceof HookGoneError) throw error;
  const failure = isHookName(call.name) ? hookFailure(call.name, error) : undefined;
  if (failure === undefined) logger.error(HOOK_FAILED_TEXT, { error: String(error) });
  const { exitCode, stderr } = failure ?? { exitCode: 1, stderr: `${HOOK_FAILED_TEXT}\n` };
  await output.stderr(Buffer.from(stderr));
  await output.exit(exitCode);
}

async function runHook(
  { name, args, environment, pushOptions, stdin }: HookCall,
  output: ChannelOutput,
  { manager, context, signal }: Served,
): Promise<void> {
  if (!isHookName(name)) throw new HookProtocolError("no such hook", { hook: name });
  if (!context.requestedHooks.has(name)) return;
  const input = { changes: stdin, environment, pushOptions };
  switch (name) {
    case "pre-receive":
      return manager.preReceive(context, input, output, signal);
    case "post-receive":
      return manager.postReceive(context, input, output, signal);
    case "update": {
      const [ref, oldValue, newValue] = args;
      if (ref === undefined || oldValue === undefined || newValue === undefined) break;
      const update = { ref: Buffer.from(ref, "latin1"), oldValue, newValue, environment };
      return manager.update(context, update, output, signal);
    }
    case "reference-transaction": {
      const [state] = args;
      // Nobody votes before git has locked the refs.
      if (state === "preparing") return;
      if (!isState(state)) break;
      return manager.referenceTransaction(context, state, stdin, signal);
    }
  }
  throw new HookProtocolError("hook has the wrong arguments", { hook: name });
}

type StubName = Exclude<HookName, "pack-objects" | "proc-receive">;

function isHookName(name: string): name is StubName {
  const names: readonly string[] = [
    "pre-receive",
    "update",
    "post-receive",
    "reference-transaction",
  ] satisfies StubName[];
  return names.includes(name);
}

function isState(state: string | undefined): state is ReferenceTransactionState {
  return state === "prepared" || state === "committed" || state === "aborted";
}
