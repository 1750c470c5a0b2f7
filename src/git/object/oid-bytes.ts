import { type ObjectFormat, OID_BYTES, type Oid } from "../oid/oid.ts";

/** Returns the 20 or 32 bytes that `oid` names in hexadecimal digits. */
export function oidBytes(oid: Oid): Buffer {
  return Buffer.from(oid, "hex");
}

/**
 * Renders the object id at `offset` of `bytes`.
 *
 * As `oidFromBytes`, for callers that have a `Buffer` and have checked that the id is inside it:
 * nothing is checked here, because whole trees and histories pass through.
 */
export function oidAt(bytes: Buffer, offset: number, format: ObjectFormat): Oid {
  return bytes.toString("hex", offset, offset + OID_BYTES[format]) as Oid;
}

const HEX_DIGITS = /^[0-9a-f]+$/;

/**
 * Reads the hexadecimal digits of an id of `format` at `offset`, or returns `undefined`.
 *
 * Upper-case digits are accepted, as git accepts them inside commits and tags; the result is
 * in lower case.
 */
export function parseOidAt(bytes: Buffer, offset: number, format: ObjectFormat): Oid | undefined {
  const end = offset + OID_BYTES[format] * 2;
  if (end > bytes.length) return undefined;
  const text = bytes.toString("latin1", offset, end);
  if (HEX_DIGITS.test(text)) return text as Oid;
  const lower = text.toLowerCase();
  return HEX_DIGITS.test(lower) ? (lower as Oid) : undefined;
}
