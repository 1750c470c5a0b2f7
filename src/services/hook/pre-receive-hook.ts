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
import {
  type HookReply,
  hookOutput,
  openHookStream,
  pieces,
  readHookInput,
} from "./hook-stream.ts";

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

interface Running {
  readonly hooks: HookManager;
  readonly repository: LocatedRepository;
  readonly first: proto.PreReceiveHookRequest;
  readonly rest: AsyncIterable<proto.PreReceiveHookRequest>;
  readonly call: Call;
  readonly replies: ReplyQueue<HookReply>;
}

async function run({ hooks, repository, first, rest, call, replies }: Running): Promise<void> {
  try {
    const variables = first.environmentVariables;
    const { context, environment } = calledHook(repository, variables, call, false);
    const changes = await readHookInput(rest);
    const input = { changes, environment, pushOptions: first.gitPushOptions };
    await hooks.preReceive(context, input, hookOutput(replies), call.signal);
  } catch (error) {
    call.signal.throwIfAborted();
    const failure = hookFailure("pre-receive", error);
    if (failure === undefined) throw error;
    const exitStatus = { value: failure.exitCode };
    const stderr = Buffer.from(failure.stderr);
    if (stderr.length === 0) return replies.put({ exitStatus });
    // Clients take the last status that they see.
    for (const piece of pieces(stderr)) await replies.put({ stderr: piece, exitStatus });
    return;
  }
  await replies.put({ exitStatus: { value: 0 } });
}
