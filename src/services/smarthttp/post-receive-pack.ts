import type { PostReceivePackRequest, SmartHTTPService } from "../../proto/smarthttp_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler, Reply } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { receivePack } from "../common/receive-pack/receive-pack.ts";
import type { ReceivePackNeeds } from "../common/receive-pack/receive-pack-needs.ts";
import { ReplyQueue } from "../common/reply-queue.ts";

type PostReceivePack = Handler<typeof SmartHTTPService.method.postReceivePack>;
type ReceivePackReply = Reply<typeof SmartHTTPService.method.postReceivePack>;

/**
 * Serves a push over HTTP: the body of `POST /git-receive-pack`, after the refs were advertised.
 *
 * The first message says what is pushed to and by whom, the following ones carry the body.
 */
export function postReceivePack(needs: ReceivePackNeeds): PostReceivePack {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests);
    if (first.glId === "") throw invalidArgument("empty GlId");
    if (first.data.length > 0) throw invalidArgument("non-empty Data");
    const repository = locateRepository(needs.locator, first.repository);
    const replies = new ReplyQueue<ReceivePackReply>();
    yield* replies.drain(relay(needs, repository, { first, rest }, replies, call));
  };
}

async function relay(
  needs: ReceivePackNeeds,
  repository: LocatedRepository,
  { first, rest }: { first: PostReceivePackRequest; rest: AsyncIterable<PostReceivePackRequest> },
  replies: ReplyQueue<ReceivePackReply>,
  call: Call,
): Promise<void> {
  const exchange = { input: bodyOf(rest), output: (data: Buffer) => replies.put({ data }) };
  const transport = { protocol: "http", exchange } as const;
  const { failure } = await receivePack(needs, repository, first, transport, call);
  if (failure === undefined) return;
  throw failedPrecondition(`waiting for receive-pack: ${failure.message}`, { cause: failure });
}

async function* bodyOf(
  requests: AsyncIterable<PostReceivePackRequest>,
): AsyncGenerator<Uint8Array> {
  for await (const { data } of requests) yield data;
}
