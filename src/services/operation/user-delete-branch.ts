import { findCause } from "../../base/error/find-cause.ts";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { type Oid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { RateLimitedError } from "../../hooks/access/access-check.ts";
import { ReferenceChangeError, RefusedByHookError } from "../../hooks/change/change-errors.ts";
import { NotAllowedError } from "../../hooks/hook-errors.ts";
import {
  type OperationService,
  UserDeleteBranchErrorSchema,
  type UserDeleteBranchRequest,
} from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  invalidArgument,
  permissionDenied,
} from "../../rpc/rpc-error.ts";
import {
  accessCheckDetail,
  customHookDetail,
  referenceUpdateDetail,
} from "../common/change-details.ts";
import { gitCall } from "../common/git-call.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated } from "../common/open-repository.ts";
import type { OperationNeeds } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { changeWithoutObjects } from "./change-without-objects.ts";
import { expectedOldOid } from "./expected-old-oid.ts";

type UserDeleteBranch = Handler<typeof OperationService.method.userDeleteBranch>;

/** Deletes a branch, merged or not, as if a user had pushed that. */
export function userDeleteBranch(needs: OperationNeeds): UserDeleteBranch {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const user = checkRequest(request);
    const repository = openLocated(needs, located, call);
    const options = gitCall(call);
    const oldOid = await findOldOid(repository, request, {
      git: needs.git,
      gitCall: () => options,
    });
    const name = `refs/heads/${binaryFromBytes(request.branchName)}`;
    const change = { name, oldOid, newOid: zeroOid(repository.objects.format) };
    try {
      await changeWithoutObjects(needs, located, user, change, { call, options });
    } catch (error) {
      throw changeFailure(error);
    }
    return {};
  };
}

function checkRequest({ branchName, user }: UserDeleteBranchRequest): User {
  if (branchName.length === 0) throw invalidArgument("bad request: empty branch name");
  if (user === undefined) throw invalidArgument("bad request: empty user");
  return user;
}

async function findOldOid(
  repository: OpenedRepository,
  { branchName, expectedOldOid: expected }: UserDeleteBranchRequest,
  needs: RevisionNeeds,
): Promise<Oid> {
  if (expected !== "") return expectedOldOid(repository, expected, needs);
  const revision = `refs/heads/${binaryFromBytes(branchName)}`;
  // Whatever is wrong with it, clients are told that there is no such branch.
  const oid = await verifyRevision(repository, revision, needs).catch(() => undefined);
  if (oid !== undefined) return oid;
  throw failedPrecondition(`branch not found: ${quoteBytes(branchName)}`);
}

function changeFailure(error: unknown): unknown {
  if (findCause(error, RateLimitedError) !== undefined) return error;
  const denial = findCause(error, NotAllowedError);
  if (denial !== undefined && error instanceof Error) {
    return permissionDenied(`deletion denied by access checks: ${error.message}`, {
      cause: error,
      detail: detail(UserDeleteBranchErrorSchema, {
        error: { case: "accessCheck", value: accessCheckDetail(denial) },
      }),
    });
  }
  if (error instanceof RefusedByHookError) {
    return permissionDenied(`deletion denied by custom hooks: ${error.message}`, {
      cause: error,
      detail: detail(UserDeleteBranchErrorSchema, {
        error: { case: "customHook", value: customHookDetail(error) },
      }),
    });
  }
  if (error instanceof ReferenceChangeError) {
    return failedPrecondition(`reference update failed: ${error.message}`, {
      ...{ cause: error, metadata: error.metadata },
      detail: detail(UserDeleteBranchErrorSchema, {
        error: { case: "referenceUpdate", value: referenceUpdateDetail(error) },
      }),
    });
  }
  return otherChangeFailure("deleting reference", error);
}
