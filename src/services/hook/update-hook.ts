import { hookFailure } from "../../hooks/hook-errors.ts";
import type { HookManager } from "../../hooks/hook-manager.ts";
import type * as proto from "../../proto/hook_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { ReplyQueue } from "../common/reply-queue.ts";
import { calledHook } from "./hook-context.ts";
import { type HookReply, hookOutput } from "./hook-stream.ts";

type Needs = { readonly locator: RepositoryLocator; readonly hooks: HookManager };
type UpdateHook = Handler<typeof proto.HookService.method.updateHook>;

/**
 * Says whether one ref of a push may change: the last reply has the status that a custom hook has
 * ended with. Whatever else goes wrong fails the call.
 */
export function updateHook({ locator, hooks }: Needs): UpdateHook {
  return async function* (request, call) {
    const repository = locateRepository(locator, request.repository);
    const replies = new ReplyQueue<HookReply>();
    yield* replies.drain(run({ hooks, repository, request, call, replies }));
  };
}

interface Running {
  readonly hooks: HookManager;
  readonly repository: LocatedRepository;
  readonly request: proto.UpdateHookRequest;
  readonly call: Call;
  readonly replies: ReplyQueue<HookReply>;
}

async function run({ hooks, repository, request, call, replies }: Running): Promise<void> {
  const variables = request.environmentVariables;
  const { context, environment } = calledHook(repository, variables, call, true);
  const { ref, oldValue, newValue } = request;
  const input = { ref, oldValue, newValue, environment };
  try {
    await hooks.update(context, input, hookOutput(replies), call.signal);
  } catch (error) {
    call.signal.throwIfAborted();
    const failure = hookFailure("update", error);
    if (failure === undefined) throw error;
    return replies.put({ exitStatus: { value: failure.exitCode } });
  }
  await replies.put({ exitStatus: { value: 0 } });
}
