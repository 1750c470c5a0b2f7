import { RECEIVE_PACK_HOOKS } from "../../hooks/context/hook-name.ts";
import type { PushContext } from "../../hooks/context/push-context.ts";
import type { Call } from "../../rpc/call.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { featureFlags } from "./feature-flags.ts";
import { objectFormatOf } from "./object-format-of.ts";
import type { TransactionVotes } from "./transaction-votes.ts";

/** Who asks for a change, in the words of the protocol; `protocol` is `http`, `ssh` or `web`. */
export interface Changer {
  readonly glId: string;
  readonly glUsername: string;
  readonly protocol: string;
}

/** What the hooks of a change are told, as far as the call that asks for it tells. */
export function changeContext(
  votes: TransactionVotes,
  repository: LocatedRepository,
  { glId, glUsername, protocol }: Changer,
  call: Call,
): PushContext {
  const transaction = votes.transactionOf(call);
  return {
    repository,
    objectFormat: objectFormatOf(repository),
    user: {
      id: glId,
      username: glUsername,
      protocol,
      remoteIp: call.metadata.get("remote_ip") ?? "",
    },
    requestedHooks: RECEIVE_PACK_HOOKS,
    featureFlags: featureFlags(call.metadata),
    correlationId: call.correlationId,
    clientContext: clientContext(call),
    ...(transaction && { transaction }),
  };
}

/** What the client wants GitLab to know of the change. */
function clientContext({ metadata }: Call): Uint8Array | undefined {
  const bytes = metadata.get("gitaly-client-context-bin") ?? "";
  return bytes === "" ? undefined : Buffer.from(bytes, "latin1");
}
