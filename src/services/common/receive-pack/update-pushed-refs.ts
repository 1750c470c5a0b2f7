import { realpathSync } from "node:fs";
import type { Logger } from "../../../base/log/logger.ts";
import type { GitRepository } from "../../../git/repository/git-repository.ts";
import type { RepositoryCache } from "../../../git/repository/repository-cache.ts";
import { GitExitError, type GitRunner } from "../../../gitcmd/git-runner.ts";
import type { PushContext } from "../../../hooks/context/push-context.ts";
import type { HookManager } from "../../../hooks/hook-manager.ts";
import type { HookStubs } from "../../../hooks/stub/hook-stubs.ts";
import { serveHookChannel } from "../../../hooks/stub/serve-hook-channel.ts";
import { RefUpdateError } from "../../../storage/ref-update/ref-update-errors.ts";
import { startRefTransaction } from "../../../storage/ref-update/start-ref-transaction.ts";
import {
  type RefUpdate,
  type UpdateResult,
  updateRefsWithGit,
} from "../../../storage/ref-update/update-refs-with-git.ts";
import type { GitCall } from "../git-call.ts";
import type { PushHooks } from "./push-hooks.ts";
import type { PushOutput } from "./push-output.ts";
import { type PushedRef, refuseRest } from "./pushed-ref.ts";
import type { RefCheck } from "./ref-check.ts";

/** What changes the references of a push. */
export interface UpdateNeeds {
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly hookManager: HookManager;
  readonly hookStubs: HookStubs;
  readonly logger: Logger;
  readonly context: PushContext;
  readonly hooks: PushHooks;
  readonly check: RefCheck;
  readonly output: PushOutput;
  readonly call: GitCall;
  readonly objectFormat: GitRepository["objectFormat"];
}

/** Changes all references of an atomic push that nobody has refused, or none. */
export async function updateAtomically(
  needs: UpdateNeeds,
  refs: readonly PushedRef[],
): Promise<void> {
  const accepted = refs.filter(({ refusal }) => refusal === undefined);
  for (const ref of accepted) {
    ref.refusal = await needs.check.refusal(ref);
    if (ref.refusal === undefined) continue;
    refuseRest(refs, "atomic push failure");
    return;
  }
  const result = await change(needs, accepted, false);
  if (result?.failure === undefined) return;
  await needs.output.message("error", result.failure);
  refuseRest(refs, "atomic transaction failed");
}

/** Changes each reference that can be changed: first those that go, to make room for others. */
export async function updateEach(needs: UpdateNeeds, refs: readonly PushedRef[]): Promise<void> {
  for (const deletes of [true, false]) {
    const accepted: PushedRef[] = [];
    for (const ref of refs) {
      if (ref.isDeletion !== deletes || ref.refusal !== undefined) continue;
      ref.refusal = await needs.check.refusal(ref);
      if (ref.refusal === undefined) accepted.push(ref);
    }
    if (accepted.length > 0) await updateBatch(needs, refs, accepted);
  }
}

async function updateBatch(
  needs: UpdateNeeds,
  refs: readonly PushedRef[],
  accepted: readonly PushedRef[],
): Promise<void> {
  const result = await change(needs, accepted, true);
  if (result === undefined) return;
  if (result.failure !== undefined) {
    await needs.output.message("error", result.failure);
    for (const ref of refs) ref.refusal = "failed to update refs";
    return;
  }
  await needs.output.progress(Buffer.from(result.stderr, "latin1"));
  for (const ref of refs) ref.refusal = result.rejections.get(ref.command.name) ?? ref.refusal;
}

/** Returns undefined when everything has changed. */
async function change(
  needs: UpdateNeeds,
  refs: readonly PushedRef[],
  batched: boolean,
): Promise<UpdateResult | undefined> {
  const updates = refs.map(updateOf);
  if (await changeAll(needs, updates, refs)) return undefined;
  // Something is in the way: git knows what can be changed nevertheless, and how to say the rest.
  const { git, hookManager, hookStubs, logger, context, call } = needs;
  const voting = context.transaction !== undefined;
  const { repository } = context;
  // This is how the files of a lock are called where git runs in the repository.
  const place = { ...repository, path: `${realpathSync(repository.path)}/.` };
  const result = await updateRefsWithGit(git, place, updates, {
    ...call,
    batched,
    ...(voting && {
      hooks: hookStubs.choose(new Set(["reference-transaction"])),
      serveHooks: (channel) => serveHookChannel(channel, hookManager, context, call.signal, logger),
    }),
  });
  if (
    /^in '\w+' phase, update aborted by the reference-transaction hook$/.test(result.failure ?? "")
  ) {
    await needs.output.stderr(Buffer.from(result.stderr, "latin1"));
    throw new GitExitError({ exitCode: 128, signal: undefined, stderr: result.stderr });
  }
  return result;
}

/** Returns false when nothing has changed since something can't be. */
async function changeAll(
  { git, repositories, hooks, context, call, objectFormat }: UpdateNeeds,
  updates: readonly RefUpdate[],
  refs: readonly PushedRef[],
): Promise<boolean> {
  const commands = refs.map(({ command }, index) => ({
    ...command,
    oldOid: updates[index]?.oldOid ?? command.oldOid,
  }));
  const needs = { git, repositories };
  const options = { ...call, objectFormat };
  await using transaction = await startRefTransaction(needs, context.repository, options);
  try {
    for (const { name, newOid, oldOid } of updates) await transaction.update(name, newOid, oldOid);
    await transaction.prepare();
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof RefUpdateError || error instanceof GitExitError) return false;
    throw error;
  }
  await hooks.vote("prepared", commands);
  try {
    await transaction.commit();
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof RefUpdateError || error instanceof GitExitError) return false;
    throw error;
  }
  await hooks.vote("committed", commands);
  return true;
}

function updateOf({ command, didNotExist, isCorrupt }: PushedRef): RefUpdate {
  const { name, newOid, oldOid } = command;
  return { name, newOid, oldOid: didNotExist || isCorrupt ? undefined : oldOid };
}
