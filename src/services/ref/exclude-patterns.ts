import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";

/**
 * Checks the patterns of references that a request leaves out: each has to begin with `prefix`.
 *
 * @returns the patterns as binary strings
 */
export function parseExcludePatterns(patterns: readonly Uint8Array[], prefix: string): string[] {
  return patterns.map((bytes) => {
    const pattern = binaryFromBytes(bytes);
    if (pattern === "") throw invalidArgument("empty exclude pattern");
    const quoted = quoteBytes(bytesFromBinary(pattern));
    if (pattern.includes("\0")) {
      throw invalidArgument(`exclude pattern contains null byte: ${quoted}`);
    }
    if (!pattern.startsWith(prefix)) {
      throw invalidArgument(`exclude pattern must start with "${prefix}": ${quoted}`);
    }
    return pattern;
  });
}
