import type { Logger } from "../../base/log/logger.ts";
import type { HooksChoice } from "../../gitcmd/git-runner.ts";
import type { PushContext } from "../../hooks/context/push-context.ts";
import type { HookManager } from "../../hooks/hook-manager.ts";
import type { HookStubs } from "../../hooks/stub/hook-stubs.ts";
import { serveHookChannel } from "../../hooks/stub/serve-hook-channel.ts";
import type { Call } from "../../rpc/call.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { ServeHooks } from "./collect-git.ts";
import { featureFlags } from "./feature-flags.ts";
import { objectFormatOf } from "./object-format-of.ts";
import type { TransactionVotes } from "./transaction-votes.ts";

export interface VotingHooksNeeds {
  readonly hooks: HookManager;
  readonly hookStubs: HookStubs;
  readonly votes: TransactionVotes;
  readonly logger: Logger;
}

/** The options for `collectGit` that have a process vote on the references that it changes. */
export interface VotingHooks {
  readonly hooks: HooksChoice;
  readonly serveHooks?: ServeHooks;
}

/** The reference-transaction hook for a git process, when there is somebody to vote with. */
export function votingHooks(
  { hooks, hookStubs, votes, logger }: VotingHooksNeeds,
  repository: LocatedRepository,
  call: Call,
): VotingHooks {
  const transaction = votes.transactionOf(call);
  if (transaction === undefined) return { hooks: "disabled" };
  const context: PushContext = {
    repository,
    objectFormat: objectFormatOf(repository),
    user: undefined,
    requestedHooks: new Set(["reference-transaction"]),
    transaction,
    featureFlags: featureFlags(call.metadata),
    correlationId: call.correlationId,
  };
  const chosen = hookStubs.choose(hooks.neededHooks(context));
  if (chosen === "disabled") return { hooks: chosen };
  const serveHooks = (channel: Parameters<typeof serveHookChannel>[0]): Promise<void> =>
    serveHookChannel(channel, hooks, context, call.signal, logger);
  return { hooks: chosen, serveHooks };
}
