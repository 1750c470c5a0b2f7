import type { GitObject } from "../../git/object/object-type.ts";
import type { OpenedRepository } from "./open-repository.ts";
import { readCommitObject, readNamedCommit } from "./read-commit.ts";
import { findObject, type RevisionNeeds } from "./resolve-revision.ts";

/**
 * Reads the commit that a revision leads to, as `findObject` finds it. Returns undefined when there
 * is none or it can't be read.
 *
 * @param revision a binary string
 */
export async function findCommitObject(
  repository: OpenedRepository,
  revision: string,
  needs: RevisionNeeds,
  signal: AbortSignal,
): Promise<GitObject | undefined> {
  const named = readNamedCommit(repository.objects, revision);
  if (named !== undefined) return named;
  const oid = await findObject(repository, `${revision}^{commit}`, needs);
  return oid && readCommitObject(repository.objects, oid, signal);
}
