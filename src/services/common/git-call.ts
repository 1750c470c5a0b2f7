import { CommandUsage } from "../../gitcmd/command-usage.ts";
import type { Call } from "../../rpc/call.ts";

/** What every git process of a call is given: its cancellation and where its cost is noted. */
export interface GitCall {
  readonly signal: AbortSignal;
  readonly usage: CommandUsage;
}

/**
 * The options that tie git processes to the call they work for. A handler asks once and passes
 * them with every command, so that the call's log line tells what all of them cost together.
 */
export function gitCall(call: Call): GitCall {
  const { method, signal } = call;
  const usage = new CommandUsage({ service: method.parent.typeName, method: method.name });
  call.atEnd(() => Object.assign(call.logFields, usage.fields()));
  return { signal, usage };
}

/** As `gitCall`, for handlers that seldom need git: nothing is set up before the first use. */
export function lazyGitCall(call: Call): () => GitCall {
  let options: GitCall | undefined;
  return () => {
    options ??= gitCall(call);
    return options;
  };
}
