import { hookFailure } from "../../hooks/hook-errors.ts";
import type { HookManager } from "../../hooks/hook-manager.ts";
import type * as proto from "../../proto/hook_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { ReplyQueue } from "../common/reply-queue.ts";
import { calledHook } from "./hook-context.ts";
import { type HookReply, hookOutput, readHookInput } from "./hook-stream.ts";

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

interface Running {
  readonly hooks: HookManager;
  readonly repository: LocatedRepository;
  readonly first: proto.PostReceiveHookRequest;
  readonly rest: AsyncIterable<proto.PostReceiveHookRequest>;
  readonly call: Call;
  readonly replies: ReplyQueue<HookReply>;
}

async function run({ hooks, repository, first, rest, call, replies }: Running): Promise<void> {
  try {
    const variables = first.environmentVariables;
    const { context, environment } = calledHook(repository, variables, call, false);
    const changes = await readHookInput(rest);
    const input = { changes, environment, pushOptions: first.gitPushOptions };
    await hooks.postReceive(context, input, hookOutput(replies), call.signal);
  } catch (error) {
    call.signal.throwIfAborted();
    const failure = hookFailure("post-receive", error);
    if (failure === undefined) throw error;
    const exitStatus = { value: failure.exitCode };
    return replies.put({ stderr: Buffer.from(failure.stderr), exitStatus });
  }
  await replies.put({ exitStatus: { value: 0 } });
}
