import { type Oid, zeroOid } from "../../git/oid/oid.ts";
import { binaryFromBytes } from "../../git/ref/binary-string.ts";
import type { UserCherryPickRequest, UserRevertRequest } from "../../proto/operations_pb.ts";
import type { GitCommit, User } from "../../proto/shared_pb.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import type { Operation } from "../common/operation.ts";
import { findObject, type RevisionNeeds } from "../common/resolve-revision.ts";
import { verifyRevision } from "../common/verify-revision.ts";
import { expectedOldOid } from "./expected-old-oid.ts";

/*
 * Cherry-picks and reverts: both put the difference that one commit has made on top of a branch.
 */

type PickRequest = UserCherryPickRequest | UserRevertRequest;

/** Checks a request. Returns the user and the revision of the commit. */
export function checkPick({ user, commit, branchName, message }: PickRequest): {
  readonly user: User;
  readonly commitId: string;
} {
  if (user === undefined) throw invalidArgument("empty User");
  if (commit === undefined) throw invalidArgument("empty Commit");
  if (branchName.length === 0) throw invalidArgument("empty BranchName");
  if (message.length === 0) throw invalidArgument("empty Message");
  return { user, commitId: commit.id };
}

/** Reads the commit that a revision, a binary string, leads to. */
export async function findPicked(
  operation: Operation,
  revision: string,
  ask: RevisionNeeds,
): Promise<GitCommit | undefined> {
  const oid = await findObject(operation.repository, `${revision}^{commit}`, ask);
  return oid && operation.readCommit(oid);
}

/** The branch that a commit is put on. */
export interface PickTarget {
  readonly name: string;
  /** Zero for a branch that has to be made. */
  readonly oldOid: Oid;
  readonly branchCreated: boolean;
}

/** Finds the branch of a request and what it is expected to hold. */
export async function findPickTarget(
  repository: OpenedRepository,
  { branchName, expectedOldOid: expected }: PickRequest,
  ask: RevisionNeeds,
): Promise<PickTarget> {
  const name = `refs/heads/${binaryFromBytes(branchName)}`;
  if (expected !== "") {
    const oldOid = await expectedOldOid(repository, expected, ask);
    return { name, oldOid, branchCreated: false };
  }
  const oldOid = await verifyRevision(repository, `${name}^{commit}`, ask).catch((error) => {
    throw wrapError("invalid-argument", "resolve ref", error);
  });
  if (oldOid !== undefined) return { name, oldOid, branchCreated: false };
  return { name, oldOid: zeroOid(repository.objects.format), branchCreated: true };
}
