import { objectIdProblem } from "../../git/oid/object-id-problem.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { OpenedRepository } from "../common/open-repository.ts";
import type { RevisionNeeds } from "../common/resolve-revision.ts";
import { verifyRevision } from "../common/verify-revision.ts";

/** Checks the id of the object that a reference is expected to hold: it has to exist. */
export async function expectedOldOid(
  repository: OpenedRepository,
  text: string,
  needs: RevisionNeeds,
): Promise<Oid> {
  const metadata = { old_object_id: text };
  const problem = objectIdProblem(text, repository.objects.format);
  if (problem !== undefined) {
    throw invalidArgument(`invalid expected old object ID: ${problem}`, { metadata });
  }
  const oid = await verifyRevision(repository, `${text}^{object}`, needs).catch((error) => {
    throw wrapError("invalid-argument", "cannot resolve expected old object ID", error);
  });
  if (oid !== undefined) return oid;
  const reason = "reference not found";
  throw invalidArgument(`cannot resolve expected old object ID: ${reason}`, { metadata });
}
