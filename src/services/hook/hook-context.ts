import { quoteText } from "../../base/text/quote-text.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import type { HookEnvironment, PushContext } from "../../hooks/context/push-context.ts";
import { HookError, hookError } from "../../hooks/hook-errors.ts";
import {
  type HooksPayload,
  hooksPayloadFromEnvironment,
} from "../../hooks/payload/hooks-payload.ts";
import type { Call } from "../../rpc/call.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";

/** The push that a hook's process belongs to, as its environment and the call tell. */
export interface CalledHook {
  readonly context: PushContext;
  readonly environment: HookEnvironment;
  /** The transaction on disk that git runs in; undefined without one. */
  readonly diskTransactionId: bigint | undefined;
}

/** Throws a HookError for a transaction on disk: there are none here that could be found. */
export function refuseDiskTransaction({ diskTransactionId }: CalledHook): void {
  if (diskTransactionId !== undefined) {
    throw new HookError("get transaction: transaction not found");
  }
}

/**
 * Reads what the environment says of the push. Throws a HookError when it doesn't.
 *
 * @param readsObjectIds whether the hook has to know what object ids look like; others put up with
 *   any format
 */
export function calledHook(
  repository: LocatedRepository,
  variables: readonly string[],
  call: Call,
  readsObjectIds: boolean,
): CalledHook {
  const payload = readPayload(variables);
  const remoteIp = call.metadata.get("remote_ip") ?? "";
  const context: PushContext = {
    repository,
    objectFormat: objectFormatOf(payload, readsObjectIds),
    user: payload.user === undefined ? undefined : { ...payload.user, remoteIp },
    requestedHooks: payload.requestedHooks,
    transaction: payload.transaction,
    featureFlags: payload.featureFlags,
    correlationId: call.correlationId,
    clientContext: payload.clientContext,
  };
  const { diskTransactionId } = payload;
  return { context, environment: environmentOf(variables), diskTransactionId };
}

/** Reads the payload of an environment. Throws a HookError when it has none. */
export function readPayload(variables: readonly string[]): HooksPayload {
  try {
    return hooksPayloadFromEnvironment(variables);
  } catch (error) {
    throw hookError("extracting hooks payload", error);
  }
}

function objectFormatOf({ objectFormat }: HooksPayload, readsObjectIds: boolean): ObjectFormat {
  if (objectFormat === "sha1" || objectFormat === "sha256") return objectFormat;
  if (!readsObjectIds) return "sha1";
  const reason = `unknown object format: ${quoteText(objectFormat)}`;
  throw new HookError(`looking up object hash: ${reason}`);
}

/** The last of several variables with one name counts. */
function environmentOf(variables: readonly string[]): HookEnvironment {
  const environment = new Map<string, string>();
  for (const variable of variables) {
    const end = variable.indexOf("=");
    const name = variable.slice(0, end);
    if (end > 0) environment.set(name, variable.slice(end + 1));
  }
  return environment;
}
