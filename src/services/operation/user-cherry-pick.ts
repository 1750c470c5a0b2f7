import { findCause } from "../../base/error/find-cause.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { Identity } from "../../git/object/identity.ts";
import { peelToTree } from "../../git/object/peel.ts";
import { type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromText, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { RefusedByHookError } from "../../hooks/change/change-errors.ts";
import {
  type OperationService,
  UserCherryPickErrorSchema,
  type UserCherryPickRequest,
} from "../../proto/operations_pb.ts";
import type { GitCommit, User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { detail, failedPrecondition, notFound, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { createCommit, type SigningNeeds } from "../common/create-commit.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { MergeConflictError } from "../common/merge-conflict.ts";
import { mergeTrees } from "../common/merge-trees.ts";
import { openLocated } from "../common/open-repository.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import { requestIdentity } from "../common/request-identity.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { authorDate, authorTimezone } from "./author-date.ts";
import { fetchStart } from "./fetch-start.ts";
import { isAncestor } from "./is-ancestor.ts";
import { hasBranches, type ParentNeeds } from "./parent-commit.ts";
import { checkPick, findPicked, findPickTarget, type PickTarget } from "./pick-target.ts";
import { trimBlanks } from "./trim-blanks.ts";

type Needs = OperationNeeds & ParentNeeds & SigningNeeds;
type UserCherryPick = Handler<typeof OperationService.method.userCherryPick>;

/** Repeats what a commit has changed, in a new commit on a branch. */
export function userCherryPick(needs: Needs): UserCherryPick {
  return async (request, call) => {
    const located = locateRepository(needs.locator, request.repository);
    const { user, commitId } = checkPick(request);
    await using operation = await openOperation(needs, located, call);
    const ask = { git: needs.git, gitCall: () => operation.options };
    const start = await fetchStart(needs, operation, request, call);
    const repoCreated = !hasBranches(operation.repository);
    const picked = await writePick(needs, operation, { request, user, commitId, start }, call);
    const target = await findTarget(operation, openLocated(needs, located, call), request, ask);
    const newOid = request.dryRun ? start : picked;
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

interface Pick {
  readonly request: UserCherryPickRequest;
  readonly user: User;
  readonly commitId: string;
  readonly start: Oid;
}

async function writePick(
  needs: Needs,
  operation: Operation,
  { request, user, commitId, start }: Pick,
  call: Call,
): Promise<Oid> {
  const { repository, quarantine, options } = operation;
  const committer = requestIdentity(user, request.timestamp);
  const ask = { git: needs.git, gitCall: () => options };
  const commit = await findCommit(operation, commitId, ask);
  const author = authorOf(commit, request, committer);
  const tree = await merge(needs, operation, start, commit);
  if (peelToTree(repository.objects, start) === tree) {
    throw failedPrecondition("cherry-pick: could not apply because the result was empty", {
      detail: detail(UserCherryPickErrorSchema, {
        error: { case: "changesAlreadyApplied", value: {} },
      }),
    });
  }
  const { message, sign } = request;
  try {
    const draft = { tree, parents: [start], author, committer, message, sign };
    return await createCommit(needs, call, quarantine.objects, draft);
  } catch (error) {
    throw wrapError("unknown", "write commit", error);
  }
}

async function findCommit(
  operation: Operation,
  commitId: string,
  ask: RevisionNeeds,
): Promise<GitCommit> {
  const commit = await findPicked(operation, binaryFromText(commitId), ask).catch((error) => {
    throw wrapError("unknown", "cherry pick", error);
  });
  if (commit !== undefined) return commit;
  throw notFound(`cherry-pick: commit lookup: commit not found: ${quoteText(commitId)}`);
}

function authorOf(
  { author }: GitCommit,
  { commitAuthorName: name, commitAuthorEmail: email }: UserCherryPickRequest,
  committer: Required<Identity>,
): Required<Identity> {
  const date = authorDate(author, timezoneOf(author));
  if (name.length !== 0 && email.length !== 0) {
    return { name: trimBlanks(name), email: trimBlanks(email), date: committer.date };
  }
  const { name: ownName = NOTHING, email: ownEmail = NOTHING } = author ?? {};
  return { name: Buffer.from(ownName), email: Buffer.from(ownEmail), date };
}

const NOTHING = new Uint8Array();

function timezoneOf(author: GitCommit["author"]): string {
  try {
    return authorTimezone(author);
  } catch (error) {
    throw wrapError("unknown", "get cherry commit location", error);
  }
}

async function merge(
  { git }: Needs,
  operation: Operation,
  start: Oid,
  { id, parentIds }: GitCommit,
): Promise<Oid> {
  const [theirs, base] = [parseOid(id), parseOid(parentIds[0] ?? "")];
  try {
    // A first commit has nothing that git could compare it with.
    if (theirs === undefined || base === undefined) {
      throw new RpcError("internal", "merge-tree: exit status 128");
    }
    return await mergeTrees(git, operation, { ours: start, theirs, base });
  } catch (error) {
    if (!(error instanceof MergeConflictError)) {
      throw wrapError("unknown", "cherry-pick command", error);
    }
    const conflictingFiles = error.paths.map(bytesFromBinary);
    throw failedPrecondition(`cherry pick: ${error.message}`, {
      cause: error,
      detail: detail(UserCherryPickErrorSchema, {
        error: { case: "cherryPickConflict", value: { conflictingFiles } },
      }),
    });
  }
}

/** What the branch is expected to hold has to be there without what was fetched. */
function findTarget(
  { repository }: Operation,
  own: Parameters<typeof findPickTarget>[0],
  request: UserCherryPickRequest,
  ask: RevisionNeeds,
): Promise<PickTarget> {
  return findPickTarget(request.expectedOldOid === "" ? repository : own, request, ask);
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
  throw failedPrecondition("cherry-pick: branch diverged", {
    detail: detail(UserCherryPickErrorSchema, { error: { case: "targetBranchDiverged", value } }),
  });
}

function changeFailure(error: unknown): unknown {
  const refusal = findCause(error, RefusedByHookError);
  if (refusal === undefined) return otherChangeFailure("update reference with hooks", error);
  const errorMessage = refusal.reason.replace(/\n$/, "");
  return failedPrecondition("access check failed", {
    cause: error,
    detail: detail(UserCherryPickErrorSchema, {
      error: { case: "accessCheck", value: { errorMessage } },
    }),
  });
}
