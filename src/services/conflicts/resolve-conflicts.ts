import { DomainError } from "../../base/error/domain-error.ts";
import { findCause } from "../../base/error/find-cause.ts";
import type { Identity } from "../../git/object/identity.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type ObjectFormat, type Oid, parseOid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import { RefusedByHookError } from "../../hooks/change/change-errors.ts";
import type {
  ConflictsService,
  ResolveConflictsRequestHeader as Header,
  ResolveConflictsRequest,
} from "../../proto/conflicts_pb.ts";
import type { Repository, User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { checkParent } from "../common/check-parent.ts";
import { createCommit, type SigningNeeds } from "../common/create-commit.ts";
import { takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { MergeConflictError } from "../common/merge-conflict.ts";
import { mergeTrees } from "../common/merge-trees.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import { requestIdentity } from "../common/request-identity.ts";
import { bringTarget, openTarget, type TargetNeeds } from "./bring-target.ts";
import { parseResolutions, type Resolution } from "./parse-resolutions.ts";
import { resolveTree } from "./resolve-tree.ts";

export type ResolveNeeds = OperationNeeds & TargetNeeds & SigningNeeds;
type ResolveConflicts = Handler<typeof ConflictsService.method.resolveConflicts>;

/** Merges two commits the way that the client says, and moves a branch to the merge. */
export function resolveConflicts(needs: ResolveNeeds): ResolveConflicts {
  return async (requests, call) => {
    const { first, rest } = await takeFirst(requests);
    const { resolveConflictsRequestPayload: payload } = first;
    if (payload.case !== "header") throw invalidArgument("empty ResolveConflictsRequestHeader");
    const header = payload.value;
    if (header.ourCommitOid === "") throw invalidArgument("empty OurCommitOid");
    const located = locateRepository(needs.locator, header.repository);
    const { user, targetRepository } = checkHeader(header);
    try {
      const author = requestIdentity(user, header.timestamp);
      const resolutions = parseResolutions(await collectJson(rest));
      const target = openTarget(needs, targetRepository, header.targetBranch, call);
      await using operation = await openOperation(needs, located, call);
      await bringTarget(needs, operation, target, call);
      const commits = parseCommits(header, operation.repository.objects.format);
      const resolving = { header, author, resolutions, ...commits };
      const newOid = await writeMerge(needs, operation, resolving, call);
      const name = `refs/heads/${binaryFromBytes(header.sourceBranch)}`;
      await changeBranch(operation, user, { name, oldOid: commits.ours, newOid });
      return {};
    } catch (error) {
      call.signal.throwIfAborted();
      const resolutionError = resolutionProblem(error);
      if (resolutionError === undefined) throw error;
      call.logFields["resolution_error"] = resolutionError;
      return { resolutionError };
    }
  };
}

function checkHeader(header: Header): {
  readonly user: User;
  readonly targetRepository: Repository;
} {
  const { targetRepository, theirCommitOid, sourceBranch, targetBranch } = header;
  const { commitMessage, user } = header;
  if (targetRepository === undefined) throw invalidArgument("empty TargetRepository");
  if (theirCommitOid === "") throw invalidArgument("empty TheirCommitOid");
  if (sourceBranch.length === 0) throw invalidArgument("empty SourceBranch");
  if (targetBranch.length === 0) throw invalidArgument("empty TargetBranch");
  if (commitMessage.length === 0) throw invalidArgument("empty CommitMessage");
  if (user === undefined) throw invalidArgument("empty User");
  return { user, targetRepository };
}

async function collectJson(requests: AsyncIterable<ResolveConflictsRequest>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const { resolveConflictsRequestPayload: payload } of requests) {
    if (payload.case === "filesJson") pieces.push(payload.value);
  }
  return Buffer.concat(pieces);
}

interface Commits {
  readonly ours: Oid;
  readonly theirs: Oid;
}

function parseCommits({ ourCommitOid, theirCommitOid }: Header, format: ObjectFormat): Commits {
  const isValid = [ourCommitOid, theirCommitOid].every(
    (id) => objectIdProblem(id, format) === undefined,
  );
  const [ours, theirs] = [parseOid(ourCommitOid), parseOid(theirCommitOid)];
  if (isValid && ours !== undefined && theirs !== undefined) return { ours, theirs };
  const problem = "unable to parse OID - contains invalid characters";
  throw new RpcError("unknown", `Rugged::InvalidError: ${problem}`);
}

interface Resolving extends Commits {
  readonly header: Header;
  readonly author: Required<Identity>;
  readonly resolutions: readonly Resolution[];
}

async function writeMerge(
  needs: ResolveNeeds,
  operation: Operation,
  { header, author, resolutions, ours, theirs }: Resolving,
  call: Call,
): Promise<Oid> {
  const tree = await mergeTrees(needs.git, operation, { ours, theirs, namesOnly: false }).catch(
    (error) => {
      if (!(error instanceof MergeConflictError)) throw wrapError("internal", "merge-tree", error);
      return resolveTree(needs.git, operation, { conflict: error, resolutions, ours, theirs });
    },
  );
  const parents = [ours, theirs];
  const draft = { tree, parents, author, committer: author, message: header.commitMessage };
  try {
    for (const parent of parents) checkParent(operation, parent);
    return await createCommit(needs, call, operation.quarantine.objects, draft);
  } catch (error) {
    throw wrapError("internal", "writing commit", error);
  }
}

async function changeBranch(
  operation: Operation,
  user: User,
  change: Parameters<Operation["changeReference"]>[1],
): Promise<void> {
  try {
    await operation.changeReference(user, change);
  } catch (error) {
    const refusal = findCause(error, RefusedByHookError);
    throw refusal === undefined
      ? otherChangeFailure("", error)
      : internal(refusal.message, { cause: error });
  }
}

/** What is wrong with the resolutions goes into the reply: clients show it. */
const RESOLUTION_PROBLEMS = [
  "Missing resolution for section ID:",
  "Resolved content has no changes for file",
  "Missing resolutions for the following files:",
] as const;

function resolutionProblem(error: unknown): string | undefined {
  if (!(error instanceof DomainError)) return undefined;
  const problem = error.message.replace(/^resolve: /, "").trim();
  return RESOLUTION_PROBLEMS.some((start) => problem.startsWith(start)) ? problem : undefined;
}
