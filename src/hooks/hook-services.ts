import type { Logger } from "../base/log/logger.ts";
import type { ProcessSpawner } from "../gitcmd/spawn/process-spawner.ts";
import type { AccessCaller, AccessCheck } from "./access/access-check.ts";
import type { HookUser, PushContext } from "./context/push-context.ts";
import type { CustomHookHost } from "./custom/custom-hook-environment.ts";
import type { ReferenceVoter } from "./transaction/reference-voter.ts";

/** What the hooks work with. */
export interface HookServices {
  readonly access: AccessCheck;
  readonly spawner: ProcessSpawner;
  readonly logger: Logger;
  readonly host: CustomHookHost;
  /** The operator's directory of custom hooks for all repositories; empty without one. */
  readonly customHooksDirectory: string;
  /** Without one, changes that are part of a transaction go ahead without a vote. */
  readonly voter?: ReferenceVoter | undefined;
}

/** On whose behalf GitLab is asked in a hook. */
export function accessCaller(
  context: PushContext,
  user: HookUser,
  signal: AbortSignal,
): AccessCaller {
  return { correlationId: context.correlationId, remoteIp: user.remoteIp, signal };
}
