import { DomainError } from "../../base/error/domain-error.ts";
import type { ReferenceTransactionState } from "../../hooks/context/push-context.ts";
import type { HookManager } from "../../hooks/hook-manager.ts";
import * as proto from "../../proto/hook_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, RpcError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import type { OpenedStream } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { calledHook, refuseDiskTransaction } from "./hook-context.ts";
import { openHookStream, readHookInput } from "./hook-stream.ts";

type Needs = { readonly locator: RepositoryLocator; readonly hooks: HookManager };
type Request = proto.ReferenceTransactionHookRequest;
type ReferenceTransactionHook = Handler<typeof proto.HookService.method.referenceTransactionHook>;

/**
 * Says whether git may go on with a transaction of refs. A refusal fails the call: ABORTED when the
 * servers disagree, FAILED_PRECONDITION when the transaction was stopped.
 */
export function referenceTransactionHook({ locator, hooks }: Needs): ReferenceTransactionHook {
  return async function* (requests, call) {
    const stream = await openHookStream(requests);
    const repository = locateRepository(locator, stream.first.repository);
    const state = stateOf(stream.first);
    await run(hooks, repository, state, stream, call);
    yield { exitStatus: { value: 0 } };
  };
}

function stateOf({ state }: Request): ReferenceTransactionState {
  const { PREPARING, PREPARED, COMMITTED, ABORTED } = proto.ReferenceTransactionHookRequest_State;
  switch (state) {
    case PREPARING:
      return "preparing";
    case PREPARED:
      return "prepared";
    case COMMITTED:
      return "committed";
    case ABORTED:
      return "aborted";
    default:
      throw invalidArgument("invalid hook state");
  }
}

async function run(
  hooks: HookManager,
  repository: LocatedRepository,
  state: ReferenceTransactionState,
  { first, rest }: OpenedStream<Request>,
  call: Call,
): Promise<void> {
  try {
    const called = calledHook(repository, first.environmentVariables, call, true);
    const changes = await readHookInput(rest);
    refuseDiskTransaction(called);
    await hooks.referenceTransaction(called.context, state, changes, call.signal);
  } catch (error) {
    call.signal.throwIfAborted();
    if (!(error instanceof DomainError)) throw error;
    const isVote = error.kind === "aborted" || error.kind === "failed-precondition";
    const message = `reference-transaction hook: ${error.message}`;
    throw new RpcError(isVote ? error.kind : "internal", message, { cause: error });
  }
}
