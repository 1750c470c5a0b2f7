import type { HookManager } from "../../hooks/hook-manager.ts";
import type * as proto from "../../proto/hook_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { ReplyQueue } from "../common/reply-queue.ts";
import type { HookReply } from "./hook-stream.ts";
import { type CalledReceiveHook, runReceiveHook } from "./receive-hook.ts";

type Needs = { readonly locator: RepositoryLocator; readonly hooks: HookManager };
type PostReceiveHook = Handler<typeof proto.HookService.method.postReceiveHook>;

/**
 * Does what follows a push: the last reply has the status that the hook's process ends with, and
 * the reason when it fails.
 */
export function postReceiveHook({ locator, hooks }: Needs): PostReceiveHook {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests);
    const repository = locateRepository(locator, first.repository);
    const replies = new ReplyQueue<HookReply>();
    yield* replies.drain(run({ hooks, repository, first, rest, call, replies }));
  };
}

async function run(called: CalledReceiveHook): Promise<void> {
  const failure = await runReceiveHook("post-receive", called);
  if (failure === undefined) return called.replies.put({ exitStatus: { value: 0 } });
  const exitStatus = { value: failure.exitCode };
  await called.replies.put({ stderr: Buffer.from(failure.stderr), exitStatus });
}
