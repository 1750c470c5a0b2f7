import { findCause } from "../../base/error/find-cause.ts";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { Identity } from "../../git/object/identity.ts";
import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import { type Oid, parseOid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import type { GitExitError } from "../../gitcmd/git-runner.ts";
import { RefusedByHookError } from "../../hooks/change/change-errors.ts";
import {
  type UserApplyPatchRequest_Header as Header,
  type OperationService,
  UserApplyPatchErrorSchema,
  type UserApplyPatchRequest,
} from "../../proto/operations_pb.ts";
import type { User } from "../../proto/shared_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import {
  detail,
  failedPrecondition,
  internal,
  invalidArgument,
  permissionDenied,
  type RpcError,
  wrapError,
} from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { createDetachedWorkTree } from "../../storage/work-tree/detached-work-tree.ts";
import { customHookDetail } from "../common/change-details.ts";
import { clockAt } from "../common/clock-text.ts";
import { collectGit } from "../common/collect-git.ts";
import { defaultBranch } from "../common/default-branch.ts";
import { takeFirst } from "../common/first-request.ts";
import { locateRepository } from "../common/locate-repository.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import { type Operation, type OperationNeeds, openOperation } from "../common/operation.ts";
import { otherChangeFailure } from "../common/other-change-failure.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { TimeZoneError, userIdentity } from "../common/user-identity.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { type VotingHooksNeeds, votingHooks } from "../common/voting-hooks.ts";
import { changeWithoutObjects } from "./change-without-objects.ts";

type Needs = OperationNeeds & VotingHooksNeeds;
type UserApplyPatch = Handler<typeof OperationService.method.userApplyPatch>;

/**
 * Commits the patches of a mailbox to a branch, as `git am` does, all of them or none. A branch that
 * doesn't exist is made from the default one.
 */
export function userApplyPatch(needs: Needs): UserApplyPatch {
  return async (requests, call) => {
    const { first, rest } = await takeFirst(requests);
    const header = findHeader(first);
    const located = locateRepository(needs.locator, header.repository);
    const user = checkHeader(header);
    await using operation = await openOperation(needs, located, call);
    const { repository, options } = operation;
    const ask = { git: needs.git, gitCall: () => options };
    const { parent, branchCreated } = await findParent(repository, header, ask);
    const committer = findCommitter(user, header);
    const start = { parent, committer, located };
    const newOid = await applyPatches(needs, operation, start, patchBytes(rest), call);
    const current = branchCreated ? zeroOid(repository.objects.format) : parent;
    const oldOid = await findOldOid(repository, header, current, ask);
    // Hooks find the commits in the repository, as nothing of a patch is in quarantine for them.
    await operation.quarantine.migrate().catch((error) => {
      throw wrapError("internal", "migrating quarantined objects", error);
    });
    const name = targetRef(header);
    await change(needs, located, user, { name, oldOid, newOid }, { call, options });
    return { branchUpdate: { commitId: newOid, branchCreated } };
  };
}

function findHeader({ userApplyPatchRequestPayload: payload }: UserApplyPatchRequest): Header {
  if (payload.case === "header") return payload.value;
  throw invalidArgument("empty UserApplyPatch_Header");
}

function checkHeader({ user, targetBranch }: Header): User {
  if (user === undefined) throw invalidArgument("missing User");
  if (targetBranch.length === 0) throw invalidArgument("missing Branch");
  return user;
}

function targetRef({ targetBranch }: Header): string {
  return `refs/heads/${binaryFromBytes(targetBranch)}`;
}

interface Parent {
  readonly parent: Oid;
  readonly branchCreated: boolean;
}

async function findParent(
  repository: OpenedRepository,
  header: Header,
  ask: RevisionNeeds,
): Promise<Parent> {
  const resolve = (name: string, doing: string): Promise<Oid | undefined> =>
    verifyRevision(repository, `${name}^{commit}`, ask).catch((error) => {
      throw wrapError("internal", doing, error);
    });
  const existing = await resolve(targetRef(header), "resolve target branch");
  if (existing !== undefined) return { parent: existing, branchCreated: false };
  const branch = findDefaultBranch(repository);
  const start = await resolve(branch, "resolve default branch commit");
  if (start === undefined) throw internal("no default branch");
  return { parent: start, branchCreated: true };
}

function findDefaultBranch({ refs }: OpenedRepository): string {
  try {
    return defaultBranch(refs);
  } catch (error) {
    throw wrapError("internal", "default branch name", error);
  }
}

function findCommitter(user: User, { timestamp }: Header): Required<Identity> {
  try {
    return userIdentity(user, timestamp);
  } catch (error) {
    if (!(error instanceof TimeZoneError)) throw error;
    throw invalidArgument(error.message, { cause: error });
  }
}

async function* patchBytes(requests: AsyncIterable<UserApplyPatchRequest>) {
  for await (const { userApplyPatchRequestPayload: payload } of requests) {
    if (payload.case === "patches") yield payload.value;
  }
}

/**
 * Applies a mailbox to `parent` in a working tree that has only the files that are patched: git
 * takes those that it misses from the index.
 *
 * @returns the last commit
 */
async function applyPatches(
  needs: Needs,
  { quarantine, options }: Operation,
  { parent, committer, located: real }: Start,
  stdin: AsyncIterable<Uint8Array>,
  call: Call,
): Promise<Oid> {
  const { git } = needs;
  const { repository: located, directory: objectDirectory } = quarantine;
  using tree = await createDetachedWorkTree({ ...located, objectDirectory }, parent);
  try {
    await voteOnWorkTree(needs, parent, call);
    await git.run(tree.repository, { name: "read-tree", args: [parent] }, options);
  } catch (error) {
    throw wrapError("internal", "add worktree", error);
  }
  const command = {
    name: "am",
    flags: ["--quiet", "--3way"],
    env: {
      GIT_COMMITTER_NAME: committer.name.toString(),
      GIT_COMMITTER_EMAIL: committer.email.toString(),
      GIT_COMMITTER_DATE: clockAt(committer.date).text,
    },
  } as const;
  const run = { ...options, stdin, ...votingHooks(needs, real, call) };
  const { failure, stdout, stderrBytes } = await collectGit(git, tree.repository, command, run);
  if (failure !== undefined) throw patchFailure(failure, stdout, stderrBytes);
  const commit = tree.head();
  if (commit === undefined) throw internal("get patched commit: exit status 128");
  return commit;
}

interface Start {
  readonly parent: Oid;
  readonly committer: Required<Identity>;
  /** The repository itself. */
  readonly located: LocatedRepository;
}

/**
 * Casts the votes that making a working tree takes where git makes it: on its HEAD, on ORIG_HEAD
 * and on HEAD once more. An error is what git says about the first of them.
 */
async function voteOnWorkTree({ votes }: Needs, parent: Oid, call: Call): Promise<void> {
  const transaction = votes.transactionOf(call);
  if (transaction === undefined) return;
  const zero = "0".repeat(parent.length);
  for (const change of [
    `${zero} ${parent} HEAD`,
    `${zero} ${parent} ORIG_HEAD`,
    `${parent} ${parent} HEAD`,
  ]) {
    for (const phase of ["prepared", "committed"] as const) {
      try {
        await votes.vote(transaction, Buffer.from(`${change}\n`), phase, call.signal);
      } catch (cause) {
        call.signal.throwIfAborted();
        // Git goes on once it has committed.
        if (phase === "prepared") throw internal(worktreeRefusal(parent), { cause });
      }
    }
  }
}

function worktreeRefusal(parent: Oid): string {
  return [
    `adding worktree: Preparing worktree (detached HEAD ${parent.slice(0, 7)})`,
    "error executing git hook",
    "fatal: in 'prepared' phase, update aborted by the reference-transaction hook",
    ": exit status 128",
  ].join("\n");
}

function patchFailure(cause: GitExitError, stdout: Buffer, stderr: Buffer): RpcError {
  if (stdout.indexOf("Patch failed at") === 0) {
    return failedPrecondition(stdout.toString(), { cause });
  }
  return internal(`apply patch: ${cause.message}, stderr: ${quoteBytes(stderr)}`, { cause });
}

async function findOldOid(
  repository: OpenedRepository,
  { expectedOldOid }: Header,
  current: Oid,
  ask: RevisionNeeds,
): Promise<Oid> {
  if (expectedOldOid === "") return current;
  const { format } = repository.objects;
  const problem = objectIdProblem(expectedOldOid, format);
  if (problem !== undefined) {
    throw internal(`expected old object id not expected SHA format: ${problem}`);
  }
  const parsed = parseOid(expectedOldOid);
  if (parsed === zeroOid(format)) return parsed;
  const doing = "expected old object cannot be resolved";
  const oid = await verifyRevision(repository, `${expectedOldOid}^{object}`, ask).catch((error) => {
    throw wrapError("internal", doing, error);
  });
  if (oid === undefined) throw internal(`${doing}: reference not found`);
  return oid;
}

async function change(
  needs: OperationNeeds,
  located: LocatedRepository,
  user: User,
  reference: Parameters<typeof changeWithoutObjects>[3],
  call: { readonly call: Call; readonly options: Operation["options"] },
): Promise<void> {
  try {
    await changeWithoutObjects(needs, located, user, reference, call);
  } catch (error) {
    const refusal = findCause(error, RefusedByHookError);
    if (refusal === undefined) throw otherChangeFailure("update reference", error);
    throw permissionDenied("denied by custom hooks", {
      cause: error,
      detail: detail(UserApplyPatchErrorSchema, {
        error: { case: "customHook", value: customHookDetail(refusal) },
      }),
    });
  }
}
