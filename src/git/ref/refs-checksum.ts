import { hash } from "node:crypto";
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
  const sum = new Uint32Array(WORDS);
  for (const { name, oid } of refs) {
    const line = `${oid} ${name}`;
    if (!COUNTED.test(line)) continue;
    const digest = hash("sha1", bytesFromBinary(line), "buffer");
    for (let word = 0; word < WORDS; word++) {
      sum[word] = (sum[word] ?? 0) ^ digest.readInt32LE(4 * word);
    }
  }
  const bytes = Buffer.alloc(4 * WORDS);
  for (const [word, value] of sum.entries()) bytes.writeUInt32LE(value, 4 * word);
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? ZERO_CHECKSUM : bytes.toString("hex", start);
}

/** Words of 32 bits in a SHA-1: adding them up is faster than byte by byte. */
const WORDS = 5;
