import { findCause } from "../../base/error/find-cause.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { InvalidRevisionError, parseRevision } from "../../git/revision/revision.ts";
import { RefusedByHookError } from "../../hooks/change/change-errors.ts";
import {
  type UserRebaseConfirmableRequest_Header as Header,
  type OperationService,
  UserRebaseConfirmableErrorSchema,
  type UserRebaseConfirmableRequest,
} from "../../proto/operations_pb.ts";
import type { Repository, User } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  invalidArgument,
  notFound,
  permissionDenied,
  wrapError,
} from "../../rpc/rpc-error.ts";
import type { SigningNeeds } from "../common/create-commit.ts";
import { takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import { requestIdentity } from "../common/request-identity.ts";
import { fetchStart } from "./fetch-start.ts";
import type { ParentNeeds } from "./parent-commit.ts";
import { RebaseConflictError, rebaseCommits } from "./rebase-commits.ts";

type Needs = OperationNeeds & ParentNeeds & SigningNeeds;
type UserRebaseConfirmable = Handler<typeof OperationService.method.userRebaseConfirmable>;

/**
 * Repeats a branch's commits on top of a branch, maybe of another repository. The last commit is
 * told first; the branch moves to it when the client says so.
 */
export function userRebaseConfirmable(needs: Needs): UserRebaseConfirmable {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests);
    const header = headerOf(first);
    const located = locateRepository(needs.locator, header.repository);
    const { user, remoteRepository: startRepository } = checkHeader(header);
    await using operation = await openOperation(needs, located, call).catch((error) => {
      throw wrapError("internal", "creating repo quarantine", error);
    });
    const { branch: branchName, remoteBranch: startBranchName, gitPushOptions } = header;
    const oldOid = parseBranchSha(header, operation.repository.objects.format);
    const start = { branchName, startBranchName, startRepository };
    const upstream = await fetchStart(needs, operation, start, call);
    const committer = requestIdentity(user, header.timestamp);
    const rebase = { upstream, branch: oldOid, committer };
    const newOid = await rebaseCommits(needs, operation, rebase, call).catch((error) => {
      throw rebaseFailure(error, [upstream, oldOid]);
    });
    yield reply({ case: "rebaseSha", value: newOid });
    const second = await takeFirst(rest).catch((error) => {
      throw wrapError("internal", "recv", error);
    });
    if (!isConfirmed(second.first)) throw failedPrecondition("rebase aborted by client");
    const name = `refs/heads/${binaryFromBytes(branchName)}`;
    try {
      await operation.changeReference(user, { name, oldOid, newOid }, gitPushOptions);
    } catch (error) {
      throw changeFailure(error);
    }
    yield reply({ case: "rebaseApplied", value: true });
  };
}

type Payload = { case: "rebaseSha"; value: string } | { case: "rebaseApplied"; value: boolean };

function reply(userRebaseConfirmableResponsePayload: Payload) {
  return { userRebaseConfirmableResponsePayload };
}

function headerOf({
  userRebaseConfirmableRequestPayload: payload,
}: UserRebaseConfirmableRequest): Header {
  if (payload.case === "header") return payload.value;
  throw invalidArgument("empty UserRebaseConfirmableRequest.Header");
}

function isConfirmed({
  userRebaseConfirmableRequestPayload: payload,
}: UserRebaseConfirmableRequest): boolean {
  return payload.case === "apply" && payload.value;
}

function checkHeader({ user, branch, branchSha, remoteRepository, remoteBranch }: Header): {
  readonly user: User;
  readonly remoteRepository: Repository;
} {
  if (user === undefined) throw invalidArgument("empty User");
  if (branch.length === 0) throw invalidArgument("empty Branch");
  if (branchSha === "") throw invalidArgument("empty BranchSha");
  if (remoteRepository === undefined) throw invalidArgument("empty RemoteRepository");
  if (remoteBranch.length === 0) throw invalidArgument("empty RemoteBranch");
  try {
    parseRevision(remoteBranch);
  } catch (cause) {
    if (!(cause instanceof InvalidRevisionError)) throw cause;
    throw invalidArgument("invalid branch name", { cause });
  }
  return { user, remoteRepository };
}

function parseBranchSha({ branchSha }: Header, format: ObjectFormat): Oid {
  const problem = objectIdProblem(branchSha, format);
  const oid = parseOid(branchSha);
  if (problem === undefined && oid !== undefined) return oid;
  throw notFound(problem ?? "");
}

function rebaseFailure(error: unknown, conflictingCommitIds: Oid[]): unknown {
  if (!(error instanceof RebaseConflictError)) {
    return wrapError("internal", "rebasing commits", error);
  }
  const conflictingFiles = error.conflict.paths.map(bytesFromBinary);
  return failedPrecondition(`rebasing commits: ${error.message}`, {
    cause: error,
    detail: detail(UserRebaseConfirmableErrorSchema, {
      error: { case: "rebaseConflict", value: { conflictingFiles, conflictingCommitIds } },
    }),
  });
}

function changeFailure(error: unknown): unknown {
  const refusal = findCause(error, RefusedByHookError);
  if (refusal === undefined) return otherChangeFailure("updating ref with hooks", error);
  const text = error instanceof Error ? error.message : "";
  return permissionDenied(`access check: ${quoteText(text)}`, {
    cause: error,
    detail: detail(UserRebaseConfirmableErrorSchema, {
      error: { case: "accessCheck", value: { errorMessage: refusal.reason } },
    }),
  });
}
