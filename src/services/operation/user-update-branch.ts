import { findCause } from "../../base/error/find-cause.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import { RefusedByHookError } from "../../hooks/change/change-errors.ts";
import type { OperationService, UserUpdateBranchRequest } from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, internal, invalidArgument } from "../../rpc/rpc-error.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OperationNeeds, openOperation } from "../common/operation.ts";
import { preReceiveError } from "./pre-receive-error.ts";

type UserUpdateBranch = Handler<typeof OperationService.method.userUpdateBranch>;

/**
 * Moves, makes or deletes a branch, as if a user had pushed it. What a hook has to say against it is
 * part of the reply; all other reasons look the same to clients.
 */
export function userUpdateBranch(needs: OperationNeeds): UserUpdateBranch {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const user = checkRequest(request);
    await using operation = await openOperation(needs, located, call);
    const { format } = operation.repository.objects;
    const newOid = parseId("newrev", request.newrev, format);
    const oldOid = parseId("oldrev", request.oldrev, format);
    const branch = binaryFromBytes(request.branchName);
    try {
      await operation.changeReference(user, { name: `refs/heads/${branch}`, oldOid, newOid });
    } catch (error) {
      call.signal.throwIfAborted();
      const refusal = findCause(error, RefusedByHookError);
      if (refusal !== undefined) return { preReceiveError: preReceiveError(refusal) };
      const message = `Could not update ${textFromBinary(branch)}. Please refresh and try again.`;
      throw failedPrecondition(message, { cause: error });
    }
    return {};
  };
}

function checkRequest({ user, branchName, oldrev, newrev }: UserUpdateBranchRequest): User {
  if (user === undefined) throw invalidArgument("empty user");
  if (branchName.length === 0) throw invalidArgument("empty branch name");
  if (oldrev.length === 0) throw invalidArgument("empty oldrev");
  if (newrev.length === 0) throw invalidArgument("empty newrev");
  return user;
}

function parseId(field: string, id: Uint8Array, format: ObjectFormat): Oid {
  const problem = objectIdProblem(id, format);
  const oid = parseOid(binaryFromBytes(id));
  if (problem === undefined && oid !== undefined) return oid;
  throw internal(`could not parse ${field}: ${problem}`);
}
