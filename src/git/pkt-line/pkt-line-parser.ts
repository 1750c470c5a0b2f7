/*
 * A pkt-line is four hexadecimal digits, the length of the whole line including them, and then the
 * payload (gitprotocol-common, "pkt-line format"). Lengths below four have no payload and meaning
 * of their own (gitprotocol-v2, "Packet-Line Framing"):
 *
 *   0000  flush, end of a message
 *   0001  delim, separates sections of a message
 *   0002  response end, end of a reply over a stateless connection
 *   0003  not assigned: an error, as are lengths above 65520
 *   0004  empty payload: git never sends it, but accepts it
 */
import { ProtocolError } from "./protocol-error.ts";

/** Longest pkt-line in bytes, including the four digits. */
export const PKT_LINE_BYTES_MAX = 65_520;

/** One pkt-line. `data` is a view that shares memory with the pushed chunk. */
export type Packet =
  | { readonly kind: "data"; readonly data: Buffer }
  | { readonly kind: "flush" }
  | { readonly kind: "delim" }
  | { readonly kind: "response-end" };

const HEADER_BYTES = 4;
const MARKERS: readonly (Packet | undefined)[] = [
  { kind: "flush" },
  { kind: "delim" },
  { kind: "response-end" },
];
const EMPTY = Buffer.alloc(0);

/**
 * Splits a byte stream into pkt-lines, whatever its chunking.
 *
 * Push a chunk, then take packets with `next` until it returns undefined. A packet that lies within
 * one chunk isn't copied. What follows the last wanted packet, such as a pack, is left in `takeRest`.
 */
export class PktLineParser {
  #current: Buffer = EMPTY;
  #offset = 0;
  #following: Buffer[] = [];
  #followingBytes = 0;

  /** Adds bytes of the stream. The parser keeps the chunk until its packets are taken. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.#offset === this.#current.length && this.#following.length === 0) {
      this.#current = bytes;
      this.#offset = 0;
      return;
    }
    this.#following.push(bytes);
    this.#followingBytes += bytes.length;
  }

  /**
   * Returns the next packet, or undefined when more bytes are needed.
   *
   * Throws a ProtocolError on a malformed length; the stream can't be read any further then.
   */
  next(): Packet | undefined {
    if (this.bufferedBytes < HEADER_BYTES) return undefined;
    this.#makeContiguous(HEADER_BYTES);
    const length = parseLength(this.#current, this.#offset);
    if (length < HEADER_BYTES) {
      const marker = MARKERS[length];
      if (marker === undefined) throw badLength(length);
      this.#offset += HEADER_BYTES;
      return marker;
    }
    if (length > PKT_LINE_BYTES_MAX) throw badLength(length);
    if (this.bufferedBytes < length) return undefined;
    this.#makeContiguous(length);
    const data = this.#current.subarray(this.#offset + HEADER_BYTES, this.#offset + length);
    this.#offset += length;
    return { kind: "data", data };
  }

  /** Number of bytes that were pushed but not yet returned in a packet. */
  get bufferedBytes(): number {
    return this.#current.length - this.#offset + this.#followingBytes;
  }

  /** Returns the bytes after the last packet and forgets them. */
  takeRest(): Buffer[] {
    const rest = [this.#current.subarray(this.#offset), ...this.#following];
    this.#current = EMPTY;
    this.#offset = 0;
    this.#following = [];
    this.#followingBytes = 0;
    return rest.filter((bytes) => bytes.length > 0);
  }

  /** Says that the stream has ended. Throws a ProtocolError when it ended within a packet. */
  end(): void {
    if (this.bufferedBytes > 0) throw new ProtocolError("unexpected end of pkt-line stream");
  }

  /** Makes the next `length` bytes, which must have been pushed, lie in `#current`. */
  #makeContiguous(length: number): void {
    if (this.#current.length - this.#offset >= length) return;
    const joined = Buffer.allocUnsafe(length);
    let filled = this.#current.copy(joined, 0, this.#offset);
    let used = 0;
    let tail: Buffer = EMPTY;
    while (filled < length) {
      const chunk = this.#following[used++] ?? EMPTY;
      const taken = chunk.copy(joined, filled);
      filled += taken;
      this.#followingBytes -= chunk.length;
      tail = chunk.subarray(taken);
    }
    this.#following.splice(0, used);
    if (tail.length > 0) {
      this.#following.unshift(tail);
      this.#followingBytes += tail.length;
    }
    this.#current = joined;
    this.#offset = 0;
  }
}

/**
 * Yields the pkt-lines of a stream until it ends.
 *
 * Throws a ProtocolError when a line is malformed or the stream ends within one.
 */
export async function* readPktLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Packet> {
  const parser = new PktLineParser();
  for await (const chunk of source) {
    parser.push(chunk);
    for (let packet = parser.next(); packet !== undefined; packet = parser.next()) yield packet;
  }
  parser.end();
}

/** The payload as a binary string (one byte per UTF-16 unit), without one line feed at its end. */
export function packetText(data: Buffer): string {
  const end = data.at(-1) === 0x0a ? data.length - 1 : data.length;
  return data.toString("latin1", 0, end);
}

function parseLength(bytes: Buffer, offset: number): number {
  let length = 0;
  for (let index = offset; index < offset + HEADER_BYTES; index++) {
    const digit = hexDigit(bytes[index] ?? 0);
    if (digit < 0) {
      const characters = bytes.toString("latin1", offset, offset + HEADER_BYTES);
      throw new ProtocolError("bad pkt-line length character", { metadata: { characters } });
    }
    length = length * 16 + digit;
  }
  return length;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function badLength(length: number): ProtocolError {
  return new ProtocolError("bad pkt-line length", { metadata: { length } });
}
