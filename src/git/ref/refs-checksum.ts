import { createHash } from "node:crypto";
import type { Oid } from "../oid/oid.ts";
import { bytesFromBinary } from "./binary-string.ts";
import type { RefName } from "./ref-name.ts";

/** The checksum of a repository without any reference that counts. */
export const ZERO_CHECKSUM: string = "0".repeat(40);

/** References that count: those whose line of `git show-ref --head` matches. */
const COUNTED = /HEAD|refs\/(?:heads|tags|keep-around|merge-requests|environments|notes)\//;

/**
 * Sums up references as CalculateChecksum does, so that replicas can be compared: the exclusive or
 * of the SHA-1 of each line that `git show-ref --head` would print.
 *
 * The sum is written like a number, without leading zero bytes. Which references resolve to an
 * object that exists is for the caller to check.
 */
export function refsChecksum(
  refs: Iterable<{ readonly name: RefName; readonly oid: Oid }>,
): string {
  const sum = Buffer.alloc(20);
  for (const { name, oid } of refs) {
    const line = `${oid} ${name}`;
    if (!COUNTED.test(line)) continue;
    const hash = createHash("sha1").update(bytesFromBinary(line)).digest();
    for (const [index, byte] of hash.entries()) sum[index] = (sum[index] ?? 0) ^ byte;
  }
  const start = sum.findIndex((byte) => byte !== 0);
  return start < 0 ? ZERO_CHECKSUM : sum.toString("hex", start);
}
