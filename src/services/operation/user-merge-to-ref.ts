import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, binaryFromText, textFromBinary } from "../../git/ref/binary-string.ts";
import type { OperationService, UserMergeToRefRequest } from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument } from "../../rpc/rpc-error.ts";
import type { SigningNeeds } from "../common/create-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { requestIdentity } from "../common/request-identity.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { mergeCommits } from "./merge-commits.ts";
import { findTargetOid, setTargetRef } from "./target-ref.ts";

type Needs = OperationNeeds & SigningNeeds;
type UserMergeToRef = Handler<typeof OperationService.method.userMergeToRef>;

/** Merges a commit with a branch and lets a reference of a merge request name the merge. */
export function userMergeToRef(needs: Needs): UserMergeToRef {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const user = checkRequest(request);
    await using operation = await openOperation(needs, located, call);
    const { targetRef, sourceSha, expectedOldOid: expected } = request;
    const ours = await findSource(needs, operation, firstParent(request));
    const theirs = await findSource(needs, operation, binaryFromText(sourceSha));
    const author = requestIdentity(user, request.timestamp);
    const oldOid = await findTargetOid(needs.git, operation, { targetRef, expected });
    const newOid = await merge(needs, operation, { ours, theirs, author, request }, call);
    try {
      await operation.quarantine.migrate();
      const { options } = operation;
      await setTargetRef(needs, located, { targetRef, oldOid, newOid }, { call, options });
    } catch (cause) {
      call.signal.throwIfAborted();
      const name = textOf(targetRef);
      throw failedPrecondition(`Could not update ${name}. Please refresh and try again`, { cause });
    }
    return { commitId: newOid };
  };
}

function checkRequest({
  firstParentRef,
  branch,
  user,
  sourceSha,
  targetRef,
}: UserMergeToRefRequest): User {
  if (firstParentRef.length === 0 && branch.length === 0) {
    throw invalidArgument("empty first parent ref and branch name");
  }
  if (user === undefined) throw invalidArgument("empty user");
  if (sourceSha === "") throw invalidArgument("empty source SHA");
  if (targetRef.length === 0) throw invalidArgument("empty target ref");
  if (!binaryFromBytes(targetRef).startsWith("refs/merge-requests")) {
    throw invalidArgument("invalid target ref");
  }
  return user;
}

function firstParent({ firstParentRef, branch }: UserMergeToRefRequest): string {
  return binaryFromBytes(firstParentRef.length === 0 ? branch : firstParentRef);
}

async function findSource(
  { git }: Needs,
  { repository, options }: Operation,
  revision: string,
): Promise<Oid> {
  const ask = { git, gitCall: () => options };
  const oid = await verifyRevision(repository, revision, ask).catch(() => undefined);
  options.signal.throwIfAborted();
  if (oid === undefined) throw invalidArgument("Invalid merge source");
  return oid;
}

interface RefMerge {
  readonly ours: Oid;
  readonly theirs: Oid;
  readonly author: ReturnType<typeof requestIdentity>;
  readonly request: UserMergeToRefRequest;
}

async function merge(
  needs: Needs,
  operation: Operation,
  { ours, theirs, author, request }: RefMerge,
  call: Call,
): Promise<Oid> {
  const { message, sign, targetRef } = request;
  try {
    const draft = { ours, theirs, author, committer: author, message, squash: false, sign };
    return await mergeCommits(needs, operation, draft, call);
  } catch (cause) {
    call.signal.throwIfAborted();
    // Whatever it was: the log tells.
    const commits = `source_sha ${theirs} and target_sha ${ours}`;
    const message = `Failed to create merge commit for ${commits} at ${textOf(targetRef)}`;
    throw failedPrecondition(message, { cause });
  }
}

function textOf(bytes: Uint8Array): string {
  return textFromBinary(binaryFromBytes(bytes));
}
