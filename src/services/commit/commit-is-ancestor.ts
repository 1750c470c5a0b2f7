import { UnexpectedObjectTypeError } from "../../git/object/object-error.ts";
import { peelToCommit } from "../../git/object/peel.ts";
import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { CommitService } from "../../proto/commit_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { invalidArgument, RpcError } from "../../rpc/rpc-error.ts";
import { lazyGitCall } from "../common/git-call.ts";
import { checkArgument, isDamage } from "../common/git-failure.ts";
import { locateRepository } from "../common/locate-repository.ts";
import { type OpenedRepository, openLocated, type ReadNeeds } from "../common/open-repository.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { verifyRevision } from "../common/verify-revision.ts";

type Needs = ReadNeeds & { readonly git: GitRunner };
type CommitIsAncestor = Handler<typeof CommitService.method.commitIsAncestor>;

/** Says whether a commit is in the history of another; not when one of them doesn't exist. */
export function commitIsAncestor(needs: Needs): CommitIsAncestor {
  return async ({ repository: address, ancestorId, childId }, call) => {
    const located = locateRepository(needs.locator, address);
    if (ancestorId === "") throw invalidArgument("empty ancestor sha");
    if (childId === "") throw invalidArgument("empty child sha");
    const revisions = [binaryFromText(ancestorId), binaryFromText(childId)] as const;
    for (const revision of revisions) checkArgument(revision);
    const repository = openLocated(needs, located, call);
    const ask = { git: needs.git, gitCall: lazyGitCall(call) };
    try {
      return { value: await isAncestor(repository, revisions, ask, call.signal) };
    } catch (error) {
      // Whatever is wrong with the repository, clients just get a no.
      const isRefused = error instanceof UnexpectedObjectTypeError || error instanceof RpcError;
      if (isRefused || isDamage(error)) return { value: false };
      throw error;
    }
  };
}

async function isAncestor(
  repository: OpenedRepository,
  revisions: readonly [ancestor: string, child: string],
  ask: RevisionNeeds,
  signal: AbortSignal,
): Promise<boolean> {
  const ancestor = await verifyRevision(repository, revisions[0], ask);
  const child = ancestor && (await verifyRevision(repository, revisions[1], ask));
  if (ancestor === undefined || child === undefined) return false;
  const { objects, history } = repository;
  const commits = [peelToCommit(objects, ancestor), peelToCommit(objects, child)] as const;
  if (commits[0] === undefined || commits[1] === undefined) return false;
  return history.isAncestor(commits[0], commits[1], signal);
}
