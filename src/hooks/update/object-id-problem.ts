import { quoteText } from "../../base/text/quote-text.ts";
import { type ObjectFormat, OID_HEX_LENGTH } from "../../git/oid/oid.ts";

/** Why `text` is no full object id of the format, as the reference server words it. */
export function objectIdProblem(text: string, format: ObjectFormat): string | undefined {
  const length = Buffer.byteLength(text);
  const expected = OID_HEX_LENGTH[format];
  const problem = `invalid object ID: ${quoteText(text)}`;
  if (length !== expected) return `${problem}, expected length ${expected}, got ${length}`;
  const [wrong] = /[^0-9a-f]/u.exec(text) ?? [];
  return wrong === undefined ? undefined : `${problem}, invalid character ${quoteCharacter(wrong)}`;
}

function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''";
  return character === '"' ? `'"'` : `'${quoteText(character).slice(1, -1)}'`;
}
