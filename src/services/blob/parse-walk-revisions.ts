import { binaryFromText } from "../../git/ref/binary-string.ts";
import { parseRevision } from "../../git/revision/revision.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";

/** The revisions from which a walk over blobs starts, as binary strings. Throws an RpcError. */
export function parseWalkRevisions(revisions: readonly string[]): string[] {
  if (revisions.length === 0) throw invalidArgument("missing revisions");
  return revisions.map((revision) => {
    try {
      return parseRevision(binaryFromText(revision), { path: true, pseudo: true });
    } catch (error) {
      throw wrapError("invalid-argument", "invalid revision", error);
    }
  });
}
