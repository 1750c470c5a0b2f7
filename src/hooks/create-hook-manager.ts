import type { HookName } from "./context/hook-name.ts";
import type { PushContext } from "./context/push-context.ts";
import type { CustomHookName } from "./custom/find-custom-hooks.ts";
import { findCustomHooks } from "./custom/find-custom-hooks.ts";
import { hookError } from "./hook-errors.ts";
import type { HookManager } from "./hook-manager.ts";
import type { HookServices } from "./hook-services.ts";
import { postReceive } from "./receive/post-receive.ts";
import { preReceive } from "./receive/pre-receive.ts";
import { referenceTransaction } from "./transaction/reference-transaction.ts";
import { update } from "./update/update.ts";

/** Puts the hooks together and keeps the servers of a transaction in step around them. */
export function createHookManager(services: HookServices): HookManager {
  return {
    neededHooks: (context) => neededHooks(services, context),
    preReceive: (context, input, output, signal) =>
      inStep(services, context, "pre-receive", signal, () =>
        preReceive(services, context, input, output, signal),
      ),
    update: (context, input, output, signal) =>
      inStep(services, context, "update", signal, () =>
        update(services, context, input, output, signal),
      ),
    postReceive: (context, input, output, signal) =>
      inStep(services, context, "post-receive", signal, () =>
        postReceive(services, context, input, output, signal),
      ),
    referenceTransaction: async (context, state, changes, signal) => {
      signal.throwIfAborted();
      try {
        await referenceTransaction(services, context, state, changes, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw hookError("error voting on transaction", error);
      }
    },
  };
}

/**
 * Runs a hook on the primary server only; the others wait for it, so that they don't lock refs
 * while it is at work.
 */
async function inStep(
  { voter, logger }: HookServices,
  { transaction }: PushContext,
  name: CustomHookName,
  signal: AbortSignal,
  run: () => Promise<void>,
): Promise<void> {
  signal.throwIfAborted();
  if (transaction === undefined || transaction.primary) {
    try {
      await run();
    } catch (error) {
      const fields = { error: String(error) };
      logger.warn(`stopping transaction because ${name} hook failed`, fields);
      if (transaction !== undefined) {
        await voter?.stop(transaction, signal).catch((failure) => {
          const text = { error: String(failure) };
          logger.error(`failed stopping transaction in ${name} hook`, text);
        });
      }
      throw error;
    }
  }
  if (transaction === undefined || voter === undefined) return;
  const content = Buffer.from(`synchronize ${name} hook`);
  await voter.vote(transaction, content, "synchronized", signal).catch((error) => {
    signal.throwIfAborted();
    throw hookError(`synchronizing ${name} hook: vote failed`, error);
  });
}

function neededHooks(services: HookServices, context: PushContext): ReadonlySet<HookName> {
  const { requestedHooks, transaction } = context;
  if (transaction !== undefined) return requestedHooks;
  const needed = new Set(requestedHooks);
  needed.delete("reference-transaction");
  const asksNobody = services.access.grantsAll && isComplete(context);
  for (const name of ["pre-receive", "update", "post-receive"] as const) {
    const isOnlyCustom = name === "update" ? context.user !== undefined : asksNobody;
    if (isOnlyCustom && !hasCustomHooks(services, context, name)) needed.delete(name);
  }
  return needed;
}

/** Otherwise the hooks have to run to refuse the push. */
function isComplete({ user, repository }: PushContext): boolean {
  if (user === undefined || repository.glRepository === "") return false;
  return user.id !== "" && user.protocol !== "";
}

function hasCustomHooks(
  { customHooksDirectory }: HookServices,
  { repository }: PushContext,
  name: CustomHookName,
): boolean {
  try {
    return findCustomHooks(repository.path, customHooksDirectory, name).length > 0;
  } catch {
    // The hook itself says what is wrong with the directory.
    return true;
  }
}
