/*
 * A binary string holds bytes, one per UTF-16 unit (Node's encoding "latin1").
 *
 * Names of references and revisions are bytes, often but not always UTF-8. As binary strings all of
 * them have one representation, `===`, `<` and Map keys work on them as git's memcmp does, and V8
 * stores a byte per character. The functions below are the only borders to text and bytes: a binary
 * string is never joined with text other than ASCII, never sent as text and never used as a path
 * without them.
 */

/** The bytes of a binary string. */
export function bytesFromBinary(binary: string): Buffer {
  return Buffer.from(binary, "latin1");
}

/** The binary string of some bytes. */
export function binaryFromBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** The binary string of a text's UTF-8 form. */
export function binaryFromText(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** The text of a binary string's bytes read as UTF-8; what isn't UTF-8 becomes U+FFFD. */
export function textFromBinary(binary: string): string {
  return isAscii(binary) ? binary : Buffer.from(binary, "latin1").toString("utf8");
}

/** Tells whether a string is the same as text and as a binary string. */
export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** Orders binary strings as git orders bytes; for `Array.prototype.sort`. */
export function compareBinary(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
