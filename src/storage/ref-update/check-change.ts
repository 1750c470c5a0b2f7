import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { OID_HEX_LENGTH, type Oid, zeroOid } from "../../git/oid/oid.ts";
import { parseRefName, type RefName } from "../../git/ref/ref-name.ts";
import { isPseudoRef, isSafeRefName } from "../../git/ref/special-ref-name.ts";
import { OnlyGitKnowsError } from "./only-git-knows-error.ts";
import type { RefChange } from "./ref-change.ts";
import { InvalidRefNameError, NotCommitError, ObjectNotFoundError } from "./ref-update-errors.ts";

/**
 * Checks what git checks when it is told of a change, in its order: names, then the new object.
 *
 * Throws `InvalidRefNameError`, `ObjectNotFoundError` and `NotCommitError`, and what the object
 * database throws for damaged objects.
 *
 * @returns the reference's name
 */
export function checkChange(change: RefChange, objects: ObjectDatabase): RefName {
  const { newOid, oldOid, newTarget } = change;
  const name = checkName(change.name);
  if (newTarget !== undefined) checkName(newTarget);
  const zero = zeroOid(objects.format);
  const writesOid = newOid !== undefined && newOid !== zero;
  if (isPseudoRef(name) || !(writesOid || isSafeRefName(name))) {
    throw new OnlyGitKnowsError("reference has a name that is refused");
  }
  // Such as those of other worktrees.
  if (!name.startsWith("refs/") && name.includes("/")) {
    throw new OnlyGitKnowsError("reference is stored elsewhere");
  }
  const length = OID_HEX_LENGTH[objects.format];
  if ((newOid ?? zero).length !== length || (oldOid ?? zero).length !== length) {
    throw new OnlyGitKnowsError("object id is of another format");
  }
  if (writesOid) checkObject(name, newOid, objects);
  return name;
}

function checkName(text: string): RefName {
  if (text === "") throw new OnlyGitKnowsError("a name is missing");
  const name = parseRefName(text, { oneLevel: true });
  if (name !== undefined) return name;
  // Git's words don't tell which name it is when that has several lines.
  if (text.includes("\n")) throw new OnlyGitKnowsError("a name has two lines");
  throw new InvalidRefNameError(text);
}

function checkObject(name: RefName, oid: Oid, objects: ObjectDatabase): void {
  const header = objects.header(oid);
  if (header === undefined) throw new ObjectNotFoundError(name, oid);
  // What is damaged can't be read; git refuses that, too.
  if (header.type === "commit" || header.type === "tag") objects.read(oid);
  const isBranch = name === "HEAD" || name.startsWith("refs/heads/");
  if (isBranch && header.type !== "commit") throw new NotCommitError(name, oid);
}
