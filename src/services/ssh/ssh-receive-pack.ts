import type { SSHReceivePackRequest, SSHService } from "../../proto/ssh_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler, Reply } from "../../rpc/handler.ts";
import { cancelled, internal, invalidArgument } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { receivePack } from "../common/receive-pack/receive-pack.ts";
import type { ReceivePackNeeds } from "../common/receive-pack/receive-pack-needs.ts";
import { ReplyQueue } from "../common/reply-queue.ts";
import { HUNG_UP } from "../common/upload-command.ts";

type SshReceivePack = Handler<typeof SSHService.method.sSHReceivePack>;
type ReceivePackReply = Reply<typeof SSHService.method.sSHReceivePack>;

/**
 * Serves a push over SSH: the whole conversation of a client with `git receive-pack`.
 *
 * The first message says what is pushed to and by whom, the following ones carry stdin. When git
 * would fail its exit status is the last reply, ahead of the error.
 */
export function sshReceivePack(needs: ReceivePackNeeds): SshReceivePack {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests);
    if (first.glId === "") throw invalidArgument("empty GlId");
    if (first.stdin.length > 0) throw invalidArgument("non-empty data in first request");
    const repository = locateRepository(needs.locator, first.repository);
    const replies = new ReplyQueue<ReceivePackReply>();
    yield* replies.drain(relay(needs, repository, { first, rest }, replies, call));
  };
}

async function relay(
  needs: ReceivePackNeeds,
  repository: LocatedRepository,
  { first, rest }: { first: SSHReceivePackRequest; rest: AsyncIterable<SSHReceivePackRequest> },
  replies: ReplyQueue<ReceivePackReply>,
  call: Call,
): Promise<void> {
  const exchange = {
    input: stdinOf(rest),
    output: (stdout: Buffer) => replies.put({ stdout }),
    progress: (stderr: Buffer) => replies.put({ stderr }),
  };
  const transport = { protocol: "ssh", exchange } as const;
  const { failure, stderr } = await receivePack(needs, repository, first, transport, call);
  if (failure === undefined) return;
  await replies.put({ exitStatus: { value: failure.exitCode } });
  if (stderr === HUNG_UP) throw cancelled("user canceled the push", { cause: failure });
  throw internal(`cmd wait: ${failure.message}`, { cause: failure });
}

async function* stdinOf(
  requests: AsyncIterable<SSHReceivePackRequest>,
): AsyncGenerator<Uint8Array> {
  for await (const { stdin } of requests) yield stdin;
}
