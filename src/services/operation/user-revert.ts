import { findCause } from "../../base/error/find-cause.ts";
import { hashObject } from "../../git/object/object-hash.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { RefusedByHookError } from "../../hooks/change/change-errors.ts";
import {
  type OperationService,
  UserRevertErrorSchema,
  type UserRevertRequest,
} from "../../proto/operations_pb.ts";
import type { GitCommit, User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  notFound,
  permissionDenied,
  wrapError,
} from "../../rpc/rpc-error.ts";
import { customHookDetail } from "../common/change-details.ts";
import { createCommit, type SigningNeeds } from "../common/create-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { MergeConflictError } from "../common/merge-conflict.ts";
import { mergeTrees } from "../common/merge-trees.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import { requestIdentity } from "../common/request-identity.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { fetchStart } from "./fetch-start.ts";
import { isAncestor } from "./is-ancestor.ts";
import { hasBranches, type ParentNeeds } from "./parent-commit.ts";
import { checkPick, findPicked, findPickTarget, type PickTarget } from "./pick-target.ts";

type Needs = OperationNeeds & ParentNeeds & SigningNeeds;
type UserRevert = Handler<typeof OperationService.method.userRevert>;

/** Takes back what a commit has changed, in a new commit on a branch. */
export function userRevert(needs: Needs): UserRevert {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const { user, commitId } = checkPick(request);
    await using operation = await openOperation(needs, located, call);
    const { repository, options } = operation;
    const ask = { git: needs.git, gitCall: () => options };
    const start = await fetchStart(needs, operation, request, call);
    const repoCreated = !hasBranches(repository);
    const reverted = await writeRevert(needs, operation, { request, user, commitId, start }, call);
    const target = await findPickTarget(repository, request, ask);
    const newOid = request.dryRun ? start : reverted;
    await checkAncestry(needs, operation, target, { start, newOid });
    const { name, oldOid, branchCreated } = target;
    try {
      await operation.changeReference(user, { name, oldOid, newOid });
    } catch (error) {
      throw changeFailure(error);
    }
    return { branchUpdate: { commitId: newOid, branchCreated, repoCreated } };
  };
}

interface Revert {
  readonly request: UserRevertRequest;
  readonly user: User;
  readonly commitId: string;
  readonly start: Oid;
}

async function writeRevert(
  needs: Needs,
  operation: Operation,
  { request, user, commitId, start }: Revert,
  call: Call,
): Promise<Oid> {
  const { repository, quarantine, options } = operation;
  const author = requestIdentity(user, request.timestamp);
  const ask = { git: needs.git, gitCall: () => options };
  const ours = await find(operation, start, ask, "ours");
  const reverted = await find(operation, binaryFromText(commitId), ask, "revert");
  const { format } = repository.objects;
  // The first parent of a merge; a first commit is reverted to nothing.
  const theirs = parseOid(reverted.parentIds[0] ?? "") ?? emptyTree(format);
  const tree = await merge(needs, operation, { ours: start, theirs, base: parseOid(reverted.id) });
  if (ours.treeId === tree) {
    throw failedPrecondition("revert: could not apply because the result was empty", {
      detail: detail(UserRevertErrorSchema, {
        error: { case: "changesAlreadyApplied", value: {} },
      }),
    });
  }
  const { message, sign } = request;
  try {
    const draft = { tree, parents: [start], author, committer: author, message, sign };
    return await createCommit(needs, call, quarantine.objects, draft);
  } catch (error) {
    throw wrapError("internal", "write commit", error);
  }
}

function emptyTree(format: Parameters<typeof hashObject>[2]): Oid {
  return hashObject("tree", Buffer.alloc(0), format);
}

async function find(
  operation: Operation,
  revision: string,
  ask: RevisionNeeds,
  which: "ours" | "revert",
): Promise<GitCommit> {
  const commit = await findPicked(operation, revision, ask).catch((error) => {
    throw wrapError("internal", "read commit", error);
  });
  if (commit !== undefined) return commit;
  throw notFound(`${which} commit lookup: commit not found`, { metadata: { revision } });
}

async function merge(
  { git }: Needs,
  operation: Operation,
  sides: Parameters<typeof mergeTrees>[2],
): Promise<Oid> {
  try {
    return await mergeTrees(git, operation, sides);
  } catch (error) {
    if (!(error instanceof MergeConflictError)) throw wrapError("internal", "merge-tree", error);
    const conflictingFiles = error.paths.map(bytesFromBinary);
    throw failedPrecondition("revert: there are conflicting files", {
      cause: error,
      detail: detail(UserRevertErrorSchema, {
        error: { case: "mergeConflict", value: { conflictingFiles } },
      }),
    });
  }
}

async function checkAncestry(
  { git }: Needs,
  operation: Operation,
  { oldOid, branchCreated }: PickTarget,
  { start, newOid }: { readonly start: Oid; readonly newOid: Oid },
): Promise<void> {
  if (branchCreated || oldOid === newOid) return;
  // All that the new commit has behind it is what it was put on.
  if (await isAncestor(git, operation, oldOid, start)) return;
  const value = { parentRevision: Buffer.from(oldOid), childRevision: Buffer.from(newOid) };
  throw failedPrecondition("revert: branch diverged", {
    detail: detail(UserRevertErrorSchema, { error: { case: "notAncestor", value } }),
  });
}

function changeFailure(error: unknown): unknown {
  const refusal = findCause(error, RefusedByHookError);
  if (refusal === undefined) return otherChangeFailure("update reference with hooks", error);
  return permissionDenied("revert: custom hook error", {
    cause: error,
    detail: detail(UserRevertErrorSchema, {
      error: { case: "customHook", value: customHookDetail(refusal) },
    }),
  });
}
