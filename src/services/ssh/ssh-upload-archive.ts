import { PacketObserver } from "../../git/negotiation/packfile-negotiation.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { SSHService, SSHUploadArchiveRequest } from "../../proto/ssh_pb.ts";
import type { Handler, Reply } from "../../rpc/handler.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type {
  LocatedRepository,
  RepositoryLocator,
} from "../../storage/locator/repository-locator.ts";
import { takeFirst } from "../common/first-request.ts";
import { type GitCall, gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { ReplyQueue } from "../common/reply-queue.ts";
import {
  type NegotiationTimeouts,
  runUploadCommand,
  UploadCommandError,
} from "../common/upload-command.ts";

type SshUploadArchive = Handler<typeof SSHService.method.sSHUploadArchive>;
type UploadArchiveReply = Reply<typeof SSHService.method.sSHUploadArchive>;

interface Needs {
  readonly locator: RepositoryLocator;
  readonly git: GitRunner;
  readonly timeouts: NegotiationTimeouts;
}

/**
 * Serves `git archive --remote`: relays between the client and `git upload-archive`.
 *
 * The first message names the repository, the following ones carry stdin. The exit status is the
 * last reply, also ahead of an error.
 */
export function sshUploadArchive(needs: Needs): SshUploadArchive {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests);
    const repository = locateRepository(needs.locator, first.repository);
    if (first.stdin.length > 0) throw invalidArgument("non-empty stdin in first request");
    const replies = new ReplyQueue<UploadArchiveReply>();
    yield* replies.drain(relay(needs, repository, rest, replies, gitCall(call)));
  };
}

async function relay(
  { git, timeouts }: Needs,
  repository: LocatedRepository,
  requests: AsyncIterable<SSHUploadArchiveRequest>,
  replies: ReplyQueue<UploadArchiveReply>,
  options: GitCall,
): Promise<void> {
  const exchange = {
    input: stdinOf(requests),
    output: (stdout: Buffer) => replies.put({ stdout }),
    progress: (stderr: Buffer) => replies.put({ stderr }),
  };
  const command = { name: "upload-archive", args: [repository.path] } as const;
  try {
    await runUploadCommand(git, repository, command, exchange, {
      ...options,
      observer: new PacketObserver("flush"),
      negotiationTimeoutMs: timeouts.uploadArchiveNegotiationMs,
    });
  } catch (error) {
    if (!(error instanceof UploadCommandError)) {
      throw wrapError("internal", "running upload-archive", error);
    }
    await replies.put({ exitStatus: { value: error.exitCode } });
    throw wrapError("internal", "send", error);
  }
  await replies.put({ exitStatus: { value: 0 } });
}

async function* stdinOf(
  requests: AsyncIterable<SSHUploadArchiveRequest>,
): AsyncGenerator<Uint8Array> {
  for await (const { stdin } of requests) yield stdin;
}
