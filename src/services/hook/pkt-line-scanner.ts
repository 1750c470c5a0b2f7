import { quoteBytes } from "../../base/text/quote-bytes.ts";

const HEADER_BYTES = 4;

/** Most bytes of a packet with its length. */
const PACKET_BYTES_MAX = 65_520;

/** Four characters that the reference server's reader of numbers takes for one. */
const SIGNED_HEX = /^[+-]?[0-9a-f]+$/i;

/**
 * Takes pkt-lines from what a hook says, packet by packet, and tells what is wrong with them in the
 * words of the reference server, which clients see.
 */
export class PktLineScanner {
  readonly #input: AsyncIterator<{ readonly stdin: Uint8Array }>;
  #bytes: Buffer = Buffer.alloc(0);
  #problem: string | undefined;
  #isOver = false;

  constructor(input: AsyncIterable<{ readonly stdin: Uint8Array }>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  /** What ended the packets before the end of the input; undefined when nothing did. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The next packet including its length; undefined when there are no more, or at a problem. */
  async next(): Promise<Buffer | undefined> {
    while (this.#problem === undefined) {
      const packet = this.#take();
      if (packet !== undefined) return packet;
      if (this.#isOver || this.#problem !== undefined) break;
      await this.#read();
    }
    return undefined;
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#input.next();
    if (done !== true) this.#bytes = Buffer.concat([this.#bytes, value.stdin]);
    else this.#isOver = true;
  }

  #take(): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes.length < HEADER_BYTES) {
      if (!this.#isOver || bytes.length === 0) return undefined;
      return this.#fail(`pktLineSplitter: incomplete length prefix on ${quoteBytes(bytes)}`);
    }
    const header = bytes.subarray(0, HEADER_BYTES);
    const length = parseHex(header, SIGNED_HEX);
    if (length === undefined) {
      return this.#fail(`pktLineSplitter: decode length: ${syntaxError("ParseInt", header)}`);
    }
    if (length < 0 || length > PACKET_BYTES_MAX) {
      return this.#fail(`pktLineSplitter: invalid length: ${length}`);
    }
    const end = Math.max(length, HEADER_BYTES);
    if (bytes.length < end) return this.#isOver ? this.#fail("unexpected EOF") : undefined;
    this.#bytes = bytes.subarray(end);
    return bytes.subarray(0, end);
  }

  #fail(problem: string): undefined {
    this.#problem = problem;
    return undefined;
  }
}

export function isFlush(packet: Buffer): boolean {
  return packet.toString("latin1") === "0000";
}

/** The content of a packet, or what is wrong with it: not each is meant to have one. */
export function packetPayload(packet: Buffer): Buffer | string {
  if (isFlush(packet)) return "flush packets do not have a payload";
  const header = packet.subarray(0, HEADER_BYTES);
  const length = parseHex(header, /^[0-9a-f]+$/i);
  if (length === undefined) {
    const reason = syntaxError("ParseUint", header);
    return `parsing length header ${quoteBytes(header)}: ${reason}`;
  }
  if (length === packet.length) return packet.subarray(HEADER_BYTES);
  return `packet length ${packet.length} does not match header length ${length}`;
}

function parseHex(header: Buffer, form: RegExp): number | undefined {
  const text = header.toString("latin1");
  // Adding zero makes -0 plain.
  return form.test(text) ? Number.parseInt(text, 16) + 0 : undefined;
}

function syntaxError(parser: string, header: Buffer): string {
  return `strconv.${parser}: parsing ${quoteBytes(header)}: invalid syntax`;
}
