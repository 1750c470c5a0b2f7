import { type ObjectFormat, OID_HEX_LENGTH, type Oid, parseOid } from "../oid/oid.ts";

/**
 * Content of a loose reference (gitrepository-layout, "refs"): an object id in hexadecimal digits,
 * or "ref:", white space and the name of another reference; then a line feed.
 */
export type LooseRefContent =
  | { readonly kind: "direct"; readonly oid: Oid }
  | { readonly kind: "symbolic"; readonly target: string }
  | undefined;

/**
 * Parses the binary string `text` as leniently as git: white space may follow, behind an object id
 * anything may follow that (as in FETCH_HEAD), and digits may be in upper case. Returns undefined
 * when it is damaged.
 */
export function parseLooseRefContent(text: string, format: ObjectFormat): LooseRefContent {
  const content = withoutTrailingSpace(untilNul(text));
  if (content.startsWith("ref:")) {
    let start = "ref:".length;
    while (isGitSpace(content.charCodeAt(start))) start++;
    return { kind: "symbolic", target: content.slice(start) };
  }
  const length = OID_HEX_LENGTH[format];
  if (content.length > length && !isGitSpace(content.charCodeAt(length))) return undefined;
  const oid = parseOid(content.slice(0, length).toLowerCase());
  return oid?.length === length ? { kind: "direct", oid } : undefined;
}

/** Tells whether git takes the character for white space: vertical tab and form feed are none. */
export function isGitSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

function untilNul(text: string): string {
  const nul = text.indexOf("\0");
  return nul < 0 ? text : text.slice(0, nul);
}

function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && isGitSpace(text.charCodeAt(end - 1))) end--;
  return end === text.length ? text : text.slice(0, end);
}
