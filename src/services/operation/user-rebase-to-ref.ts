import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, binaryFromText, textFromBinary } from "../../git/ref/binary-string.ts";
import type { OperationService, UserRebaseToRefRequest } from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { SigningNeeds } from "../common/create-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { requestIdentity } from "../common/request-identity.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { RebaseConflictError, rebaseCommits } from "./rebase-commits.ts";
import { findTargetOid, setTargetRef } from "./target-ref.ts";

type Needs = OperationNeeds & SigningNeeds;
type UserRebaseToRef = Handler<typeof OperationService.method.userRebaseToRef>;

/** Repeats commits on top of a branch and lets a reference of a merge request name the last one. */
export function userRebaseToRef(needs: Needs): UserRebaseToRef {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const user = checkRequest(request);
    await using operation = await openOperation(needs, located, call);
    const { firstParentRef, sourceSha, targetRef, expectedOldOid: expected } = request;
    const first = binaryFromBytes(firstParentRef);
    const upstream = await find(needs, operation, first, "FirstParentRef");
    const branch = await find(needs, operation, binaryFromText(sourceSha), "SourceSha");
    const oldOid = await findTargetOid(needs.git, operation, { targetRef, expected });
    const committer = requestIdentity(user, request.timestamp);
    const rebase = { upstream, branch, committer };
    const newOid = await rebaseCommits(needs, operation, rebase, call).catch((error) => {
      throw rebaseFailure(error, `${branch} on ${upstream} while preparing ${textOf(targetRef)}`);
    });
    await operation.quarantine.migrate().catch((error) => {
      throw wrapError("internal", "migrating quarantined objects", error);
    });
    try {
      const { options } = operation;
      await setTargetRef(needs, located, { targetRef, oldOid, newOid }, { call, options });
    } catch (cause) {
      call.signal.throwIfAborted();
      const name = textOf(targetRef);
      throw failedPrecondition(`could not update ${name}. Please refresh and try again`, { cause });
    }
    return { commitId: newOid };
  };
}

function checkRequest({
  firstParentRef,
  user,
  sourceSha,
  targetRef,
}: UserRebaseToRefRequest): User {
  if (firstParentRef.length === 0) throw invalidArgument("empty FirstParentRef");
  if (user === undefined) throw invalidArgument("empty User");
  if (sourceSha === "") throw invalidArgument("empty SourceSha");
  if (targetRef.length === 0) throw invalidArgument("empty TargetRef");
  if (!binaryFromBytes(targetRef).startsWith("refs/merge-requests")) {
    throw invalidArgument("invalid TargetRef");
  }
  return user;
}

async function find(
  { git }: Needs,
  { repository, options }: Operation,
  revision: string,
  field: "FirstParentRef" | "SourceSha",
): Promise<Oid> {
  const ask = { git, gitCall: () => options };
  const oid = await verifyRevision(repository, revision, ask).catch(() => undefined);
  options.signal.throwIfAborted();
  if (oid === undefined) throw invalidArgument(`invalid ${field}`);
  return oid;
}

function rebaseFailure(error: unknown, what: string): unknown {
  if (!(error instanceof RebaseConflictError)) {
    return wrapError("internal", "rebasing commits", error);
  }
  return failedPrecondition(`failed to rebase ${what} due to conflict`, { cause: error });
}

function textOf(bytes: Uint8Array): string {
  return textFromBinary(binaryFromBytes(bytes));
}
