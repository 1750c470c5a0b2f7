import { isUtf8 } from "node:buffer";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";

const UTF8_BLANKS = /^[\t-\r \x85\p{Zs}\u2028\u2029]+|[\t-\r \x85\p{Zs}\u2028\u2029]+$/gu;
const ASCII_BLANKS = /^[\t-\r ]+|[\t-\r ]+$/g;

/** Text without blanks at its ends. */
export function trimBlanks(bytes: Uint8Array): Buffer {
  if (!isUtf8(bytes)) return bytesFromBinary(binaryFromBytes(bytes).replace(ASCII_BLANKS, ""));
  return Buffer.from(Buffer.from(bytes).toString("utf8").replace(UTF8_BLANKS, ""));
}
