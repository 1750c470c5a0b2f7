import { DomainError } from "../../base/error/domain-error.ts";

const PADDING = "=";
const DIGIT = /^[A-Za-z0-9+/]$/;

/**
 * Decodes padded base64, in which line ends don't count.
 *
 * Where it is damaged, the error names the first wrong byte as the reference server does, since
 * the text is shown to whoever pushes.
 */
export function decodeBase64(text: string): Buffer {
  const wrong = findDamage(text);
  if (wrong === undefined) return Buffer.from(text, "base64");
  throw new DomainError("internal", `illegal base64 data at input byte ${wrong}`);
}

/** Offset of the first byte that doesn't belong where it is. */
function findDamage(text: string): number | undefined {
  let digits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (isLineEnd(character)) continue;
    if (character === PADDING) return paddingDamage(text, at, digits % 4);
    if (!DIGIT.test(character)) return at;
    digits += 1;
  }
  const left = digits % 4;
  return left === 0 ? undefined : text.length - left;
}

/** A group of four ends with one or two paddings, and nothing follows it. */
function paddingDamage(text: string, first: number, digits: number): number | undefined {
  if (digits < 2) return first;
  let at = skipLineEnds(text, first + 1);
  if (digits === 2) {
    if (at === text.length) return at;
    if (text.charAt(at) !== PADDING) return at - 1;
    at = skipLineEnds(text, at + 1);
  }
  return at === text.length ? undefined : at;
}

function skipLineEnds(text: string, start: number): number {
  let at = start;
  while (at < text.length && isLineEnd(text.charAt(at))) at += 1;
  return at;
}

function isLineEnd(character: string): boolean {
  return character === "\n" || character === "\r";
}
