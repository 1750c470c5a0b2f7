import { SidechannelError } from "./sidechannel-error.ts";

/*
 * What a client sends over a sidechannel is cut into packets, like git's pkt-lines:
 *
 *   bytes 0–3   length of the packet, these four bytes included, in hexadecimal digits
 *   bytes 4–    the client's bytes
 *
 * "0000" says that the client sends nothing further. The server's bytes go without any frame.
 */
const HEADER_BYTES = 4;
/** Git's limit for a pkt-line with its header. */
const PACKET_BYTES_MAX = 65_520;
export const FLUSH_PACKET: Buffer = Buffer.from("0000");

/** Cuts bytes into packets, without copying them. */
export function packets(chunks: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  const payloadMax = PACKET_BYTES_MAX - HEADER_BYTES;
  for (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; offset += payloadMax) {
      const payload = chunk.subarray(offset, offset + payloadMax);
      const length = (payload.length + HEADER_BYTES).toString(16).padStart(HEADER_BYTES, "0");
      pieces.push(Buffer.from(length), payload);
    }
  }
  return pieces;
}

/** Takes packets apart; holds at most one unfinished header. */
export class PacketReader {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #payloadLeft = 0;
  #flushed = false;

  /** True once the client has said that nothing follows. */
  get flushed(): boolean {
    return this.#flushed;
  }

  /** Returns the payload among the next bytes. Throws a SidechannelError for a broken packet. */
  push(bytes: Buffer): Buffer[] {
    const payloads: Buffer[] = [];
    let offset = 0;
    while (offset < bytes.length && !this.#flushed) {
      if (this.#payloadLeft > 0) {
        const payload = bytes.subarray(offset, offset + this.#payloadLeft);
        payloads.push(payload);
        offset += payload.length;
        this.#payloadLeft -= payload.length;
      } else {
        const taken = bytes.copy(this.#header, this.#headerFilled, offset);
        offset += taken;
        this.#headerFilled += taken;
        if (this.#headerFilled === HEADER_BYTES) this.#readHeader();
      }
    }
    return payloads;
  }

  #readHeader(): void {
    const text = this.#header.toString("latin1");
    this.#headerFilled = 0;
    if (!/^[0-9a-fA-F]{4}$/.test(text)) throw new SidechannelError("invalid packet");
    const length = Number.parseInt(text, 16);
    if (length === 0) this.#flushed = true;
    else if (length < HEADER_BYTES) throw new SidechannelError(`invalid header ${length}`);
    else if (length > PACKET_BYTES_MAX) throw new SidechannelError("invalid packet");
    else this.#payloadLeft = length - HEADER_BYTES;
  }
}
