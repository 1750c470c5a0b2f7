import { deflateSync, inflateSync } from "node:zlib";

/** Compresses a text of moderate length in zlib's format. */
export function deflateText(text: string): Buffer {
  return deflateSync(text);
}

/** The text in zlib's format. Throws a RangeError or an Error for what isn't, or is too long. */
export function inflateText(bytes: Uint8Array, bytesMax: number): string {
  return inflateSync(bytes, { maxOutputLength: bytesMax }).toString();
}
