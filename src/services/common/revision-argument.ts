import { bytesFromBinary, isAscii, textFromBinary } from "../../git/ref/binary-string.ts";
import type { OpenedRepository } from "./open-repository.ts";
import type { RevisionNeeds } from "./resolve-revision.ts";
import { verifyRevision } from "./verify-revision.ts";

/**
 * A revision as an argument of git. Arguments are text: of a revision that isn't, the object is
 * named instead, and `undefined` returned when there is none.
 *
 * @param revision a binary string
 */
export async function revisionArgument(
  repository: OpenedRepository,
  revision: string,
  needs: RevisionNeeds,
): Promise<string | undefined> {
  if (isAscii(revision)) return revision;
  const text = textFromBinary(revision);
  if (Buffer.from(text).equals(bytesFromBinary(revision))) return text;
  return verifyRevision(repository, revision, needs);
}
