/**
 * Where text stops being UTF-8, by git's rules: not for overlong forms, surrogates, what is beyond
 * Unicode, and the last two code points of the first plane.
 */
export function endOfUtf8(content: Buffer, start: number, end: number): number {
  let position = start;
  while (position < end) {
    const length = sequenceLength(content, position, end);
    if (length === 0) break;
    position += length;
  }
  return position;
}

/** Bytes of the character at `position`, 0 when it is none. */
function sequenceLength(content: Buffer, position: number, end: number): number {
  const first = content[position] ?? 0;
  if (first < 0x80) return 1;
  const length = lengthByFirst(first);
  if (length === 0 || position + length > end) return 0;
  for (let i = 1; i < length; i++) {
    if (((content[position + i] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return isRefused(first, content[position + 1] ?? 0, content[position + 2] ?? 0) ? 0 : length;
}

function lengthByFirst(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

function isRefused(first: number, second: number, third: number): boolean {
  switch (first) {
    case 0xe0:
      return second < 0xa0;
    case 0xed:
      return second >= 0xa0;
    case 0xef:
      return second === 0xbf && third >= 0xbe;
    case 0xf0:
      return second < 0x90;
    case 0xf4:
      return second > 0x8f;
    default:
      return false;
  }
}
