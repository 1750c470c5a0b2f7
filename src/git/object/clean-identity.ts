const NEWLINE = 0x0a;
const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;

/** What git drops from both ends of names and addresses, beside blanks and control characters. */
const CRUD: ReadonlySet<number> = new Set(Buffer.from(",:;<>\"\\'"));

/**
 * A name or an address as git writes it: without crud at its ends, and without what delimits the
 * parts of an identity.
 *
 * Git refuses a name of which nothing is left, but not such an address.
 */
export function cleanIdentity(text: Uint8Array): Buffer {
  let start = 0;
  let end = text.length;
  while (start < end && isCrud(text[start])) start++;
  while (end > start && isCrud(text[end - 1])) end--;
  return Buffer.from(text.subarray(start, end).filter((byte) => !isDelimiter(byte)));
}

function isCrud(byte = 0): boolean {
  return byte <= 0x20 || CRUD.has(byte);
}

function isDelimiter(byte: number): boolean {
  return byte === NEWLINE || byte === LESS_THAN || byte === GREATER_THAN;
}
