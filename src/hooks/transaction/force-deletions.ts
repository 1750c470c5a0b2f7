import { type ObjectFormat, zeroOid } from "../../git/oid/oid.ts";

/**
 * Tells whether changes, in the lines of githooks(5) as a binary string, only delete references
 * without looking at their values.
 *
 * Git cleans packed-refs up in such a transaction of its own before it deletes references. Servers
 * differ in which references are packed, so such changes are never voted on.
 */
export function hasOnlyForceDeletions(changes: string, format: ObjectFormat): boolean {
  const zero = zeroOid(format);
  return changes.split("\n").every((line) => line === "" || line.startsWith(`${zero} ${zero} `));
}
