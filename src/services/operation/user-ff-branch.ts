import { findCause } from "../../base/error/find-cause.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { ReferenceChangeError, RefusedByHookError } from "../../hooks/change/change-errors.ts";
import {
  type OperationService,
  UserFFBranchErrorSchema,
  type UserFFBranchRequest,
} from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  invalidArgument,
  permissionDenied,
} from "../../rpc/rpc-error.ts";
import { customHookDetail } from "../common/change-details.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { expectedOldOid } from "./expected-old-oid.ts";
import { isAncestor } from "./is-ancestor.ts";

type UserFFBranch = Handler<typeof OperationService.method.userFFBranch>;

/** Moves a branch forward to a commit that has all of it in its history. */
export function userFFBranch(needs: OperationNeeds): UserFFBranch {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const user = checkRequest(request);
    await using operation = await openOperation(needs, located, call);
    const { repository, options } = operation;
    const ask = { git: needs.git, gitCall: () => options };
    const oldOid = await findOldOid(repository, request, ask);
    const newOid = parseCommitId(request.commitId, repository.objects.format);
    if (!(await isAncestor(needs.git, operation, oldOid, newOid))) {
      throw failedPrecondition("not fast forward");
    }
    const name = `refs/heads/${binaryFromBytes(request.branch)}`;
    try {
      await operation.changeReference(user, { name, oldOid, newOid });
    } catch (error) {
      throw changeFailure(error);
    }
    return { branchUpdate: { commitId: request.commitId } };
  };
}

function checkRequest({ branch, user, commitId }: UserFFBranchRequest): User {
  if (branch.length === 0) throw invalidArgument("empty branch name");
  if (user === undefined) throw invalidArgument("empty user");
  if (commitId === "") throw invalidArgument("empty commit id");
  return user;
}

async function findOldOid(
  repository: OpenedRepository,
  { branch, expectedOldOid: expected }: UserFFBranchRequest,
  needs: RevisionNeeds,
): Promise<Oid> {
  if (expected !== "") return expectedOldOid(repository, expected, needs);
  const name = `refs/heads/${binaryFromBytes(branch)}`;
  const oid = await verifyRevision(repository, name, needs).catch((error) => {
    throw error instanceof Error ? invalidArgument(error.message, { cause: error }) : error;
  });
  if (oid === undefined) throw invalidArgument("reference not found");
  return oid;
}

function parseCommitId(commitId: string, format: ObjectFormat): Oid {
  const problem = objectIdProblem(commitId, format);
  const oid = parseOid(commitId);
  if (problem === undefined && oid !== undefined) return oid;
  throw invalidArgument(`cannot parse commit ID: ${problem}`);
}

function changeFailure(error: unknown): unknown {
  const refusal = findCause(error, RefusedByHookError);
  if (refusal !== undefined) {
    return permissionDenied(refusal.reason, {
      cause: error,
      detail: detail(UserFFBranchErrorSchema, {
        error: { case: "customHook", value: customHookDetail(refusal) },
      }),
    });
  }
  if (error instanceof ReferenceChangeError) {
    const { oldOid, newOid } = error.change;
    return failedPrecondition(`update reference with hooks: ${error.message}`, {
      ...{ cause: error, metadata: error.metadata },
      detail: detail(UserFFBranchErrorSchema, {
        error: { case: "referenceUpdate", value: { oldOid, newOid } },
      }),
    });
  }
  return otherChangeFailure("updating ref with hooks", error);
}
