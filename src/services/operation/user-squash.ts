import type { DomainError } from "../../base/error/domain-error.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import type { VotePhase } from "../../hooks/transaction/reference-voter.ts";
import {
  type OperationService,
  UserSquashErrorSchema,
  type UserSquashRequest,
} from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  invalidArgument,
  RpcError,
  wrapError,
} from "../../rpc/rpc-error.ts";
import type { SigningNeeds } from "../common/create-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { MergeConflictError } from "../common/merge-conflict.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { refuseTimeZone, requestIdentity } from "../common/request-identity.ts";
import { TransactionAbortedError, TransactionStoppedError } from "../common/transaction-votes.ts";
import { dateIn, identityPart } from "../common/user-identity.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { mergeCommits } from "./merge-commits.ts";

type Needs = OperationNeeds & SigningNeeds;
type UserSquash = Handler<typeof OperationService.method.userSquash>;

/** Makes one commit of all that lies between two. No reference changes. */
export function userSquash(needs: Needs): UserSquash {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const people = checkRequest(request);
    await using operation = await openOperation(needs, located, call);
    const ours = await findCommit(needs, operation, request.startSha, "start");
    const theirs = await findCommit(needs, operation, request.endSha, "end");
    const squashSha = await squash(needs, operation, { request, people, ours, theirs }, call);
    const vote = voter(needs, squashSha ?? "", call);
    await vote("preparing", "preparing vote on squashed commit");
    await vote("prepared", "prepared vote on squashed commit");
    await operation.quarantine.migrate().catch((error) => {
      throw wrapError("internal", "migrating quarantine directory", error);
    });
    await vote("committed", "committing vote on squashed commit");
    return { squashSha: squashSha ?? "" };
  };
}

interface People {
  readonly user: User;
  readonly author: User;
}

function checkRequest({
  user,
  startSha,
  endSha,
  commitMessage,
  author,
}: UserSquashRequest): People {
  if (user === undefined) throw invalidArgument("empty User");
  if (user.name.length === 0) throw invalidArgument("empty user name");
  if (user.email.length === 0) throw invalidArgument("empty user email");
  if (startSha === "") throw invalidArgument("empty StartSha");
  if (endSha === "") throw invalidArgument("empty EndSha");
  if (commitMessage.length === 0) throw invalidArgument("empty CommitMessage");
  if (author === undefined) throw invalidArgument("empty Author");
  if (author.name.length === 0) throw invalidArgument("empty author name");
  if (author.email.length === 0) throw invalidArgument("empty author email");
  return { user, author };
}

async function findCommit(
  { git }: Needs,
  { repository, options }: Operation,
  sha: string,
  which: "start" | "end",
): Promise<Oid> {
  const failure = (cause: unknown): RpcError => {
    const reason = cause instanceof Error ? cause.message : "reference not found";
    return invalidArgument(`resolving ${which} revision: ${reason}`, {
      cause,
      detail: detail(UserSquashErrorSchema, {
        error: { case: "resolveRevision", value: { revision: Buffer.from(sha) } },
      }),
    });
  };
  const ask = { git, gitCall: () => options };
  const revision = `${binaryFromText(sha)}^{commit}`;
  const oid = await verifyRevision(repository, revision, ask).catch((error) => {
    options.signal.throwIfAborted();
    throw failure(error);
  });
  if (oid === undefined) throw failure(undefined);
  return oid;
}

interface Squash {
  readonly request: UserSquashRequest;
  readonly people: People;
  readonly ours: Oid;
  readonly theirs: Oid;
}

/** @returns undefined when there is no commit for a reason that clients aren't told */
async function squash(
  needs: Needs,
  operation: Operation,
  { request, people: { user, author }, ours, theirs }: Squash,
  call: Call,
): Promise<Oid | undefined> {
  const committer = requestIdentity(user, request.timestamp);
  const date = refuseTimeZone(() => dateIn(author.timezone, committer.date.seconds));
  const merge = {
    ...{ ours, theirs, committer, squash: true, sign: request.sign },
    author: { name: identityPart(author.name), email: identityPart(author.email), date },
    message: endLine(request.commitMessage),
  };
  try {
    return await mergeCommits(needs, operation, merge, call);
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof MergeConflictError) throw conflict(error, [ours, theirs]);
    if (error instanceof RpcError) return undefined;
    throw error;
  }
}

function conflict(error: MergeConflictError, conflictingCommitIds: Oid[]): DomainError {
  const conflictingFiles = error.paths.map(bytesFromBinary);
  return failedPrecondition(`squashing commits: ${error.message}`, {
    cause: error,
    detail: detail(UserSquashErrorSchema, {
      error: { case: "rebaseConflict", value: { conflictingFiles, conflictingCommitIds } },
    }),
  });
}

const NEWLINE = Buffer.from("\n");

function endLine(message: Uint8Array): Uint8Array {
  return message.at(-1) === NEWLINE[0] ? message : Buffer.concat([message, NEWLINE]);
}

function voter({ votes }: Needs, content: string, call: Call) {
  const transaction = votes.transactionOf(call);
  return async (phase: VotePhase, doing: string): Promise<void> => {
    if (transaction === undefined) return;
    try {
      await votes.vote(transaction, Buffer.from(content), phase, call.signal);
    } catch (error) {
      throw voteFailure(doing, error);
    }
  };
}

/** Servers that disagree make the client try again. */
function voteFailure(doing: string, error: unknown): RpcError {
  const isVerdict =
    error instanceof TransactionAbortedError || error instanceof TransactionStoppedError;
  if (isVerdict) return new RpcError("aborted", `${doing}: ${error.message}`, { cause: error });
  return wrapError("aborted", doing, error);
}
