import { quoteText } from "./quote-text.ts";

/** As `quoteText`, for bytes that are most often UTF-8: others appear as `\xff`. */
export function quoteBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString();
  if (!text.includes(REPLACEMENT)) return quoteText(text);
  return `"${splitUtf8(buffer).map(quotePiece).join("")}"`;
}

const REPLACEMENT = "\ufffd";

/** Text, or a byte that is none. */
type Piece = string | number;

function quotePiece(piece: Piece): string {
  if (typeof piece === "string") return quoteText(piece).slice(1, -1);
  return `\\x${piece.toString(16).padStart(2, "0")}`;
}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function splitUtf8(buffer: Buffer): Piece[] {
  const pieces: Piece[] = [];
  for (let offset = 0; offset < buffer.length; ) {
    const length = sequenceLength(buffer[offset] ?? 0);
    const character = decode(buffer.subarray(offset, offset + length));
    pieces.push(character ?? buffer[offset] ?? 0);
    offset += character === undefined ? 1 : length;
  }
  return pieces;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return STRICT.decode(bytes);
  } catch {
    return undefined;
  }
}

function sequenceLength(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
