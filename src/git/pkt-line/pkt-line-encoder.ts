import { PKT_LINE_BYTES_MAX } from "./pkt-line-parser.ts";
import { SIDEBAND_DATA_BYTES_MAX, type SidebandNumber } from "./sideband.ts";

/** Longest payload of one pkt-line in bytes. */
export const PKT_LINE_DATA_BYTES_MAX: number = PKT_LINE_BYTES_MAX - 4;

const EMPTY = Buffer.alloc(0);
const DIGITS = Buffer.from("0123456789abcdef");

/**
 * Gathers pkt-lines in one growing buffer, to be written to the other side at once.
 *
 * The caller bounds it by taking the bytes when `length` has reached the size of a message.
 */
export class PktLineEncoder {
  readonly #capacityBytes: number;
  #bytes: Buffer = EMPTY;
  #length = 0;

  /** `capacityBytes` is what is expected until the next `take`; more makes the buffer grow. */
  constructor(capacityBytes = 4096) {
    this.#capacityBytes = capacityBytes;
  }

  /** Number of bytes gathered. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds a line with the payload `text`, a binary string (one byte per UTF-16 unit), which ends with
   * its own line feed where git sends one. Throws a RangeError above PKT_LINE_DATA_BYTES_MAX.
   */
  line(text: string): this {
    const start = this.#header(text.length, text.length);
    this.#bytes.write(text, start, "latin1");
    return this;
  }

  /** Adds a line with the payload `data`. Throws a RangeError above PKT_LINE_DATA_BYTES_MAX. */
  data(data: Uint8Array): this {
    const start = this.#header(data.length, data.length);
    this.#bytes.set(data, start);
    return this;
  }

  /** Adds lines that are encoded already. */
  encoded(lines: Uint8Array): this {
    this.#reserve(this.#length + lines.length);
    this.#bytes.set(lines, this.#length);
    this.#length += lines.length;
    return this;
  }

  /** Adds `data` on a band of side-band-64k, split into as many lines as it needs. */
  sideband(band: SidebandNumber, data: Uint8Array): this {
    for (let offset = 0; offset < data.length; offset += SIDEBAND_DATA_BYTES_MAX) {
      const part = data.subarray(offset, offset + SIDEBAND_DATA_BYTES_MAX);
      const start = this.#header(part.length + 1, part.length + 1);
      this.#bytes[start] = band;
      this.#bytes.set(part, start + 1);
    }
    return this;
  }

  /** Adds a flush packet, 0000. */
  flush(): this {
    return this.#marker(0);
  }

  /** Adds a delimiter packet, 0001. */
  delim(): this {
    return this.#marker(1);
  }

  /** Adds a response end packet, 0002. */
  responseEnd(): this {
    return this.#marker(2);
  }

  /** Returns what was gathered and starts anew. The bytes aren't touched again. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = EMPTY;
    this.#length = 0;
    return taken;
  }

  #marker(code: number): this {
    this.#header(code - 4, 0);
    return this;
  }

  /** Writes the digits for a payload of `dataBytes`, reserves `reserve` bytes and returns their start. */
  #header(dataBytes: number, reserve: number): number {
    if (dataBytes > PKT_LINE_DATA_BYTES_MAX) throw new RangeError("pkt-line is too long");
    const start = this.#length + 4;
    this.#reserve(start + reserve);
    this.#writeDigits(dataBytes + 4);
    this.#length = start + reserve;
    return start;
  }

  #writeDigits(length: number): void {
    const bytes = this.#bytes;
    const offset = this.#length;
    bytes[offset] = DIGITS[(length >> 12) & 15] ?? 0;
    bytes[offset + 1] = DIGITS[(length >> 8) & 15] ?? 0;
    bytes[offset + 2] = DIGITS[(length >> 4) & 15] ?? 0;
    bytes[offset + 3] = DIGITS[length & 15] ?? 0;
  }

  #reserve(capacity: number): void {
    if (capacity <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(
      Math.max(capacity, this.#bytes.length * 2, this.#capacityBytes),
    );
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
