import { findCause } from "../../base/error/find-cause.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { ReferenceChangeError, RefusedByHookError } from "../../hooks/change/change-errors.ts";
import { NotAllowedError } from "../../hooks/hook-errors.ts";
import {
  type OperationService,
  UserMergeBranchErrorSchema,
  type UserMergeBranchRequest,
} from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  internal,
  invalidArgument,
  notFound,
  permissionDenied,
  wrapError,
} from "../../rpc/rpc-error.ts";
import {
  accessCheckDetail,
  customHookDetail,
  referenceUpdateDetail,
} from "../common/change-details.ts";
import type { SigningNeeds } from "../common/create-commit.ts";
import { takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { MergeConflictError } from "../common/merge-conflict.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import { requestIdentity } from "../common/request-identity.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { expectedOldOid } from "./expected-old-oid.ts";
import { mergeCommits } from "./merge-commits.ts";

type Needs = OperationNeeds & SigningNeeds;
type UserMergeBranch = Handler<typeof OperationService.method.userMergeBranch>;

/**
 * Merges a commit into a branch. The merge is made and told first; the branch moves when the client
 * says so.
 */
export function userMergeBranch(needs: Needs): UserMergeBranch {
  return async function* (requests, call) {
    const { first, rest } = await takeFirst(requests);
    const located = locateRepository(needs.locator, first.repository);
    const user = checkRequest(first);
    await using operation = await openOperation(needs, located, call);
    const ask = { git: needs.git, gitCall: () => operation.options };
    const name = `refs/heads/${binaryFromBytes(first.branch)}`;
    const oldOid = await findOldOid(operation, name, first, ask);
    const newOid = await merge(needs, operation, { request: first, user, ours: oldOid }, call);
    yield { commitId: newOid };
    const { first: second } = await takeFirst(rest);
    if (!second.apply) throw failedPrecondition("merge aborted by client");
    try {
      await operation.changeReference(user, { name, oldOid, newOid });
    } catch (error) {
      throw changeFailure(error);
    }
    yield { branchUpdate: { commitId: newOid } };
  };
}

function checkRequest({ user, branch, commitId, message }: UserMergeBranchRequest): User {
  if (user === undefined) throw invalidArgument("empty user");
  if (user.email.length === 0) throw invalidArgument("empty user email");
  if (user.name.length === 0) throw invalidArgument("empty user name");
  if (branch.length === 0) throw invalidArgument("empty branch name");
  if (commitId === "") throw invalidArgument("empty commit ID");
  if (message.length === 0) throw invalidArgument("empty message");
  return user;
}

async function findOldOid(
  { repository }: Operation,
  name: string,
  { expectedOldOid: expected }: UserMergeBranchRequest,
  ask: RevisionNeeds,
): Promise<Oid> {
  if (expected !== "") return expectedOldOid(repository, expected, ask);
  const oid = await verifyRevision(repository, name, ask).catch((error) => {
    throw wrapError("internal", "branch resolution", error);
  });
  if (oid === undefined) throw notFound("reference not found");
  return oid;
}

interface BranchMerge {
  readonly request: UserMergeBranchRequest;
  readonly user: User;
  readonly ours: Oid;
}

async function merge(
  needs: Needs,
  operation: Operation,
  { request, user, ours }: BranchMerge,
  call: Call,
): Promise<Oid> {
  const author = requestIdentity(user, request.timestamp);
  const { commitId, message, squash, sign } = request;
  try {
    const theirs = await findTheirs(needs, operation, commitId);
    const draft = { ours, theirs, author, committer: author, message, squash, sign };
    return await mergeCommits(needs, operation, draft, call);
  } catch (error) {
    if (!(error instanceof MergeConflictError)) throw wrapError("internal", "merge", error);
    throw failedPrecondition(`merging commits: ${error.message}`, {
      cause: error,
      detail: detail(UserMergeBranchErrorSchema, {
        error: {
          case: "mergeConflict",
          value: {
            conflictingFiles: error.paths.map(bytesFromBinary),
            conflictingCommitIds: [ours, commitId],
          },
        },
      }),
    });
  }
}

/** Finds what git would merge by this name. */
async function findTheirs(
  { git }: Needs,
  { repository, options }: Operation,
  commitId: string,
): Promise<Oid> {
  const revision = binaryFromText(commitId);
  const ask = { git, gitCall: () => options };
  const oid = await verifyRevision(repository, revision, ask).catch((cause) => {
    throw internal("could not parse exit status of merge-tree(1)", { cause });
  });
  // Git ends then as it does with conflicts, but has none to tell.
  if (oid === undefined) throw internal("couldn't parse merge tree output: ");
  return oid;
}

function changeFailure(error: unknown): unknown {
  const fields = detailOf(error);
  if (fields === undefined) return otherChangeFailure("target update", error);
  const options = { cause: error, detail: detail(UserMergeBranchErrorSchema, { error: fields }) };
  const denial = findCause(error, NotAllowedError) ?? findCause(error, RefusedByHookError);
  if (denial instanceof NotAllowedError) return permissionDenied(denial.message, options);
  if (denial !== undefined) return permissionDenied(denial.reason, options);
  return failedPrecondition(error instanceof Error ? error.message : "", options);
}

function detailOf(error: unknown) {
  const denial = findCause(error, NotAllowedError);
  if (denial !== undefined) {
    return { case: "accessCheck", value: accessCheckDetail(denial) } as const;
  }
  const refusal = findCause(error, RefusedByHookError);
  if (refusal !== undefined) {
    return { case: "customHook", value: customHookDetail(refusal) } as const;
  }
  if (error instanceof ReferenceChangeError) {
    return { case: "referenceUpdate", value: referenceUpdateDetail(error) } as const;
  }
  return undefined;
}
