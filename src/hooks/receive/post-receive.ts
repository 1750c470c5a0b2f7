import type { HookOutput, HookUser, PushContext, ReceiveInput } from "../context/push-context.ts";
import { callCustomHooks } from "../custom/custom-hooks.ts";
import { HookError, hookError } from "../hook-errors.ts";
import { accessCaller, type HookServices } from "../hook-services.ts";
import { layOutMessage } from "./post-receive-messages.ts";

/** Reports the push to GitLab, shows the pusher what GitLab says, then runs the operator's programs. */
export async function postReceive(
  services: HookServices,
  context: PushContext,
  input: ReceiveInput,
  output: HookOutput,
  signal: AbortSignal,
): Promise<void> {
  const { changes, pushOptions } = input;
  const { repository, clientContext } = context;
  const user = checkedUser(context, input);
  const { glRepository } = repository;
  const answer = await services.access
    .postReceive(
      { glRepository, userId: user.id, changes, pushOptions, clientContext },
      accessCaller(context, user, signal),
    )
    .catch((error) => {
      signal.throwIfAborted();
      throw hookError("GitLab", error);
    });
  for (const message of answer.messages) {
    await output.stdout(Buffer.from(layOut(message)));
  }
  if (!answer.referenceCounterDecreased) throw new HookError("");
  const occasion = { ...input, name: "post-receive", user, args: [], stdin: changes } as const;
  await callCustomHooks(services, context, occasion, output, signal);
}

function layOut(message: Parameters<typeof layOutMessage>[0]): string {
  try {
    return layOutMessage(message);
  } catch (error) {
    throw hookError("error writing messages to stream", error);
  }
}

function checkedUser({ repository, user }: PushContext, { changes }: ReceiveInput): HookUser {
  if (changes.length === 0) throw new HookError("hook got no reference updates");
  if (user === undefined) throw new HookError("payload has no receive hooks info");
  if (user.id === "") throw new HookError("user ID not set");
  if (repository.glRepository === "") throw new HookError("repository not set");
  return user;
}
