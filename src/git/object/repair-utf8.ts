import { isAscii } from "node:buffer";

/**
 * Makes UTF-8 of what was perhaps meant to be Latin-1, as git does with commits: each byte that
 * isn't part of a character is taken for one of Latin-1. Text that is UTF-8 is returned as it is.
 *
 * Surrogates and code points that are guaranteed never to be characters count as no characters.
 */
export function repairUtf8(text: Buffer): Buffer {
  if (isAscii(text)) return text;
  const pieces: Buffer[] = [];
  let copied = 0;
  for (let offset = 0; offset < text.length; ) {
    const length = characterLength(text, offset);
    if (length === 0) {
      const byte = text[offset] ?? 0;
      pieces.push(
        text.subarray(copied, offset),
        Buffer.of(0xc0 + (byte >> 6), 0x80 + (byte & 0x3f)),
      );
      copied = offset + 1;
    }
    offset += Math.max(length, 1);
  }
  return copied === 0 ? text : Buffer.concat([...pieces, text.subarray(copied)]);
}

/** The smallest code point of each length. */
const CODE_POINT_MIN = [0, 0, 0x80, 0x800, 0x1_0000];
const CODE_POINT_MAX = 0x10_ffff;

/** How many bytes the character at `offset` has; 0 when there is none. */
function characterLength(text: Buffer, offset: number): number {
  const first = text[offset] ?? 0;
  if (first < 0x80) return 1;
  const length = sequenceLength(first);
  if (length === 0 || offset + length > text.length) return 0;
  let codePoint = first & (0x7f >> length);
  for (let index = offset + 1; index < offset + length; index++) {
    const byte = text[index] ?? 0;
    if ((byte & 0xc0) !== 0x80) return 0;
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  return codePoint >= (CODE_POINT_MIN[length] ?? 0) && isCharacter(codePoint) ? length : 0;
}

function sequenceLength(first: number): number {
  if (first >= 0xc0 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf8 ? 4 : 0;
}

function isCharacter(codePoint: number): boolean {
  if (codePoint > CODE_POINT_MAX || (codePoint & 0x1f_f800) === 0xd800) return false;
  return (codePoint & 0xfffe) !== 0xfffe && !(codePoint >= 0xfdd0 && codePoint <= 0xfdef);
}
