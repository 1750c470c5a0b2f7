import { findCause } from "../../base/error/find-cause.ts";
import { parseOid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import { RateLimitedError } from "../../hooks/access/access-check.ts";
import { ReferenceChangeError, RefusedByHookError } from "../../hooks/change/change-errors.ts";
import {
  type OperationService,
  UserCreateBranchErrorSchema,
  type UserCreateBranchRequest,
} from "../../proto/operations_pb.ts";
import type { GitCommit, User } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  invalidArgument,
  permissionDenied,
} from "../../rpc/rpc-error.ts";
import { customHookDetail } from "../common/change-details.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import { findObject } from "../common/resolve-revision.ts";

type UserCreateBranch = Handler<typeof OperationService.method.userCreateBranch>;

/** Makes a branch at a commit, as if a user had pushed it. */
export function userCreateBranch(needs: OperationNeeds): UserCreateBranch {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const user = checkRequest(request);
    await using operation = await openOperation(needs, located, call);
    const targetCommit = await findStart(needs, operation, request.startPoint);
    const newOid = parseOid(targetCommit.id);
    if (newOid === undefined) throw invalidArgument("could not parse start point commit ID");
    const { format } = operation.repository.objects;
    const name = `refs/heads/${binaryFromBytes(request.branchName)}`;
    try {
      await operation.changeReference(user, { name, oldOid: zeroOid(format), newOid });
    } catch (error) {
      throw changeFailure(error);
    }
    return { branch: { name: request.branchName, targetCommit } };
  };
}

function checkRequest({ branchName, user, startPoint }: UserCreateBranchRequest): User {
  if (branchName.length === 0) throw invalidArgument("empty branch name");
  if (user === undefined) throw invalidArgument("empty user");
  if (startPoint.length === 0) throw invalidArgument("empty start point");
  return user;
}

async function findStart(
  { git }: OperationNeeds,
  operation: Operation,
  startPoint: Uint8Array,
): Promise<GitCommit> {
  const { repository, options } = operation;
  const revision = binaryFromBytes(startPoint);
  const needs = { git, gitCall: () => options };
  // No failure is told apart from a revision that names nothing.
  const oid = await findObject(repository, `${revision}^{commit}`, needs).catch(() => undefined);
  const commit = oid && (await operation.readCommit(oid));
  options.signal.throwIfAborted();
  if (commit !== undefined) return commit;
  throw failedPrecondition(`revspec '${textFromBinary(revision)}' not found`);
}

function changeFailure(error: unknown): unknown {
  const refusal = findCause(error, RefusedByHookError);
  if (refusal !== undefined) {
    return permissionDenied(`creation denied by custom hooks: ${refusal.message}`, {
      cause: error,
      detail: detail(UserCreateBranchErrorSchema, {
        error: { case: "customHook", value: customHookDetail(refusal) },
      }),
    });
  }
  if (error instanceof ReferenceChangeError) {
    const { message, metadata } = error;
    return failedPrecondition(message, { cause: error, metadata });
  }
  // Clients that ask too much are told so.
  return findCause(error, RateLimitedError) === undefined ? otherChangeFailure("", error) : error;
}
