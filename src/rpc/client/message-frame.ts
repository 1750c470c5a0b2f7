import { CallError } from "./call-error.ts";

/*
 * gRPC's length-prefixed message:
 *
 *   byte 0      1 when the message is compressed, else 0
 *   bytes 1–4   length of the message, big-endian
 *   bytes 5–    the message
 */
const HEADER_BYTES = 5;

/** Puts the length prefix before a message, of which only the first bytes are given. */
export function frameMessage(start: Uint8Array, length: number = start.length): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + start.length);
  frame[0] = 0;
  frame.writeUInt32BE(length, 1);
  frame.set(start, HEADER_BYTES);
  return frame;
}

/** Cuts a byte stream into messages; holds at most one unfinished message of the size allowed. */
export class MessageDecoder {
  readonly #messageBytesMax: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #message: Buffer | undefined;
  #messageFilled = 0;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** True in the middle of a message. */
  get unfinished(): boolean {
    return this.#headerFilled > 0;
  }

  /**
   * Takes the next bytes and returns the messages that they complete.
   *
   * Throws a CallError for a message that is compressed or larger than allowed.
   */
  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let offset = 0;
    for (;;) {
      offset += this.#takeHeader(chunk, offset);
      if (this.#headerFilled < HEADER_BYTES) return messages;
      const length = this.#header.readUInt32BE(1);
      if (this.#message === undefined && chunk.length - offset >= length) {
        messages.push(chunk.subarray(offset, offset + length));
        offset += length;
      } else {
        this.#message ??= Buffer.allocUnsafe(length);
        const taken = chunk.copy(this.#message, this.#messageFilled, offset);
        offset += taken;
        this.#messageFilled += taken;
        if (this.#messageFilled < length) return messages;
        messages.push(this.#message);
      }
      this.#message = undefined;
      this.#messageFilled = 0;
      this.#headerFilled = 0;
    }
  }

  #takeHeader(chunk: Buffer, offset: number): number {
    if (this.#headerFilled === HEADER_BYTES) return 0;
    const taken = chunk.copy(this.#header, this.#headerFilled, offset);
    this.#headerFilled += taken;
    if (this.#headerFilled === HEADER_BYTES) this.#checkHeader();
    return taken;
  }

  #checkHeader(): void {
    if (this.#header[0] !== 0) {
      const reason = "grpc: compressed flag set with identity or empty encoding";
      throw new CallError("internal", reason);
    }
    const length = this.#header.readUInt32BE(1);
    if (length > this.#messageBytesMax) {
      const sizes = `${length} vs. ${this.#messageBytesMax}`;
      throw new CallError(
        "resource-exhausted",
        `grpc: received message larger than max (${sizes})`,
      );
    }
  }
}
