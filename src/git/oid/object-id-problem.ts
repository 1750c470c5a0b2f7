import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { type ObjectFormat, OID_HEX_LENGTH } from "./oid.ts";

/** Why `id` is no full object id of the format, as the reference server words it. */
export function objectIdProblem(id: Uint8Array | string, format: ObjectFormat): string | undefined {
  const bytes = Buffer.from(id);
  const expected = OID_HEX_LENGTH[format];
  if (bytes.length !== expected) {
    return `${problemWith(bytes)}, expected length ${expected}, got ${bytes.length}`;
  }
  const [wrong] = /[^0-9a-f]/u.exec(bytes.toString()) ?? [];
  if (wrong === undefined) return undefined;
  return `${problemWith(bytes)}, invalid character ${quoteCharacter(wrong)}`;
}

function problemWith(id: Uint8Array): string {
  return `invalid object ID: ${quoteBytes(id)}`;
}

function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''";
  return character === '"' ? `'"'` : `'${quoteText(character).slice(1, -1)}'`;
}
