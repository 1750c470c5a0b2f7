import { binaryFromText } from "../../git/ref/binary-string.ts";
import { parseRevision, type Revision } from "../../git/revision/revision.ts";
import { invalidArgument, wrapError } from "../../rpc/rpc-error.ts";

/** Checks the revisions from which a walk starts, pseudo revisions such as `--all` among them. */
export function parseWalkRevisions(texts: readonly string[]): Revision[] {
  if (texts.length === 0) throw invalidArgument("missing revisions");
  return texts.map((text) => {
    try {
      return parseRevision(binaryFromText(text), { pseudo: true });
    } catch (error) {
      throw wrapError("invalid-argument", "invalid revision", error);
    }
  });
}
