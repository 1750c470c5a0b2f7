import type { Identity } from "../../git/object/identity.ts";
import type { Oid } from "../../git/oid/oid.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { Call } from "../../rpc/call.ts";
import { wrapError } from "../../rpc/rpc-error.ts";
import { checkParent } from "../common/check-parent.ts";
import { createCommit, type SigningNeeds } from "../common/create-commit.ts";
import { mergeTrees } from "../common/merge-trees.ts";
import type { Operation } from "../common/operation.ts";

/** A merge that is to become a commit. */
export interface CommitMerge {
  /** Commits; what else they may be fails in git's words. */
  readonly ours: Oid;
  readonly theirs: Oid;
  readonly author: Required<Identity>;
  readonly committer: Required<Identity>;
  readonly message: Uint8Array;
  /** Leaves out the second parent. */
  readonly squash: boolean;
  readonly sign: boolean;
}

/**
 * Merges two commits into a new one in the operation's quarantine.
 *
 * @throws MergeConflictError, RpcError
 */
export async function mergeCommits(
  needs: SigningNeeds & { readonly git: GitRunner },
  operation: Operation,
  { ours, theirs, author, committer, message, squash, sign }: CommitMerge,
  call: Call,
): Promise<Oid> {
  const tree = await mergeTrees(needs.git, operation, { ours, theirs });
  const parents = squash ? [ours] : [ours, theirs];
  try {
    for (const parent of parents) checkParent(operation, parent);
    const draft = { tree, parents, author, committer, message, sign };
    return await createCommit(needs, call, operation.quarantine.objects, draft);
  } catch (error) {
    throw wrapError("unknown", "create commit from tree", error);
  }
}
