import type { HookManager } from "../../hooks/hook-manager.ts";
import type * as proto from "../../proto/hook_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { ReplyQueue } from "../common/reply-queue.ts";
import { type HookReply, openHookStream, pieces } from "./hook-stream.ts";
import { type CalledReceiveHook, runReceiveHook } from "./receive-hook.ts";

type Needs = { readonly locator: RepositoryLocator; readonly hooks: HookManager };
type PreReceiveHook = Handler<typeof proto.HookService.method.preReceiveHook>;

/**
 * Says whether a push may go ahead: the last reply has the status that the hook's process ends with.
 *
 * Whatever the hook can't do is such a status too, with the reason as output. The call itself fails
 * only when GitLab is asked too often, since the client then may try again.
 */
export function preReceiveHook({ locator, hooks }: Needs): PreReceiveHook {
  return async function* (requests, call) {
    const { first, rest } = await openHookStream(requests);
    const repository = locateRepository(locator, first.repository);
    const replies = new ReplyQueue<HookReply>();
    yield* replies.drain(run({ hooks, repository, first, rest, call, replies }));
  };
}

async function run(called: CalledReceiveHook): Promise<void> {
  const { replies } = called;
  const failure = await runReceiveHook("pre-receive", called);
  const exitStatus = { value: failure?.exitCode ?? 0 };
  const stderr = Buffer.from(failure?.stderr ?? "");
  if (stderr.length === 0) return replies.put({ exitStatus });
  // Clients take the last status that they see.
  for (const piece of pieces(stderr)) await replies.put({ stderr: piece, exitStatus });
}
