/** How a repository names its objects. A value that travels with the repository, never a global. */
export type ObjectFormat = "sha1" | "sha256";

declare const oidBrand: unique symbol;

/** A full object id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits. Made by `parseOid`. */
export type Oid = string & { readonly [oidBrand]: true };

/** Length in hexadecimal digits of each format's object ids. */
export const OID_HEX_LENGTH: Readonly<Record<ObjectFormat, number>> = { sha1: 40, sha256: 64 };

/** Length in bytes of each format's object ids. */
export const OID_BYTES: Readonly<Record<ObjectFormat, number>> = { sha1: 20, sha256: 32 };

const FULL_OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Returns `text` as an object id when it is a full one in lower-case hexadecimal digits. */
export function parseOid(text: string): Oid | undefined {
  return FULL_OID.test(text) ? (text as Oid) : undefined;
}

/** Renders the 20 or 32 bytes at `offset` of a git data structure as an object id. */
export function oidFromBytes(bytes: Uint8Array, offset: number, format: ObjectFormat): Oid {
  const end = offset + OID_BYTES[format];
  if (end > bytes.length) throw new RangeError("object id is cut short");
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, OID_BYTES[format]).toString(
    "hex",
  ) as Oid;
}

/** The id that stands for "no object": all zeros, in the length of the format. */
export function zeroOid(format: ObjectFormat): Oid {
  return "0".repeat(OID_HEX_LENGTH[format]) as Oid;
}
