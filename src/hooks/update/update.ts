import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import type { HookOutput, PushContext, UpdateInput } from "../context/push-context.ts";
import { callCustomHooks } from "../custom/custom-hooks.ts";
import { HookError } from "../hook-errors.ts";
import type { HookServices } from "../hook-services.ts";

/** Runs the operator's programs for one ref. */
export async function update(
  services: HookServices,
  context: PushContext,
  input: UpdateInput,
  output: HookOutput,
  signal: AbortSignal,
): Promise<void> {
  const { ref, oldValue, newValue, environment } = input;
  const { objectFormat, user } = context;
  if (ref.length === 0) throw new HookError("hook got no reference");
  const oldProblem = objectIdProblem(oldValue, objectFormat);
  if (oldProblem !== undefined) throw new HookError(`hook got invalid old value: ${oldProblem}`);
  const newProblem = objectIdProblem(newValue, objectFormat);
  if (newProblem !== undefined) throw new HookError(`hook got invalid new value: ${newProblem}`);
  if (user === undefined) throw new HookError("payload has no receive hooks info");
  const occasion = {
    name: "update",
    user,
    args: [ref, oldValue, newValue],
    stdin: undefined,
    environment,
    pushOptions: [],
  } as const;
  await callCustomHooks(services, context, occasion, output, signal);
}
