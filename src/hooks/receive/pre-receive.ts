import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { AccessRequest } from "../access/access-check.ts";
import type { HookOutput, HookUser, PushContext, ReceiveInput } from "../context/push-context.ts";
import { callCustomHooks } from "../custom/custom-hooks.ts";
import { HookError, hookError, NotAllowedError } from "../hook-errors.ts";
import { accessCaller, type HookServices } from "../hook-services.ts";
import { type QuarantinePaths, quarantinePaths } from "./quarantine-paths.ts";

/** Asks GitLab, then the operator's programs, and has GitLab count the push. */
export async function preReceive(
  services: HookServices,
  context: PushContext,
  input: ReceiveInput,
  output: HookOutput,
  signal: AbortSignal,
): Promise<void> {
  const quarantine = findQuarantine(context, input);
  const user = checkedUser(context, input);
  await checkAccess(services, context, user, input, quarantine, signal);
  const occasion = { ...input, name: "pre-receive", user, args: [], stdin: input.changes } as const;
  await callCustomHooks(services, context, occasion, output, signal);
  const caller = accessCaller(context, user, signal);
  const counted = await services.access
    .preReceive(context.repository.glRepository, caller)
    .catch((error) => {
      signal.throwIfAborted();
      throw hookError("calling pre_receive endpoint", error);
    });
  // GitLab has not said why, so there is nothing to tell.
  if (!counted) throw new HookError("");
}

function findQuarantine({ repository }: PushContext, { environment }: ReceiveInput) {
  try {
    return quarantinePaths(repository, environment);
  } catch (cause) {
    const reason = systemErrorText(cause);
    throw new HookError(`getting relative git object directories: ${reason}`, cause);
  }
}

function checkedUser({ repository, user }: PushContext, { changes }: ReceiveInput): HookUser {
  if (changes.length === 0) throw new HookError("hook got no reference updates");
  if (repository.glRepository === "") throw new HookError("repository not set");
  if (user === undefined) throw new HookError("payload has no receive hooks info");
  if (user.id === "") throw new HookError("user ID not set");
  if (user.protocol === "") throw new HookError("protocol not set");
  return user;
}

async function checkAccess(
  { access }: HookServices,
  context: PushContext,
  user: HookUser,
  { changes, pushOptions }: ReceiveInput,
  quarantine: QuarantinePaths,
  signal: AbortSignal,
): Promise<void> {
  const { path, relativePath, glRepository } = context.repository;
  const request: AccessRequest = {
    repositoryPath: path,
    relativePath,
    ...quarantine,
    glRepository,
    userId: user.id,
    protocol: user.protocol,
    changes,
    pushOptions,
    clientContext: context.clientContext,
  };
  const push = { userId: user.id, protocol: user.protocol, changes };
  const answer = await access
    .allowed(request, accessCaller(context, user, signal))
    .catch((error) => {
      signal.throwIfAborted();
      throw new NotAllowedError(messageOf(error), push, error);
    });
  if (!answer.allowed) throw new NotAllowedError(answer.message, push);
}

function messageOf(error: unknown): string {
  return error instanceof DomainError ? error.message : "Internal API unreachable";
}
