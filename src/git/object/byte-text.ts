const NEWLINE = 0x0a;

/** `true` when the ASCII `text` stands at `offset` of `bytes`. */
export function isTextAt(bytes: Uint8Array, offset: number, text: string): boolean {
  if (offset + text.length > bytes.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (bytes[offset + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/**
 * As `bytes.indexOf(byte, start)`, which costs more than it saves when the byte is near: in a line,
 * or a name.
 */
export function indexOfNear(bytes: Buffer, byte: number, start: number): number {
  const end = Math.min(start + NEAR_BYTES, bytes.length);
  for (let index = start; index < end; index++) if (bytes[index] === byte) return index;
  return end < bytes.length ? bytes.indexOf(byte, end) : -1;
}

const NEAR_BYTES = 64;

/** Offset after the newline that ends the line at `start`; the end when the last line has none. */
export function nextLine(bytes: Buffer, start: number): number {
  const newline = bytes.indexOf(NEWLINE, start);
  return newline < 0 ? bytes.length : newline + 1;
}
