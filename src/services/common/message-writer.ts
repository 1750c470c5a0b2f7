/** Room for a usual entry of a list; grows with what is written. */
const START_BYTES = 4 * 1024;

/** Up to here a loop is faster than what copies large buffers. */
const SHORT_BYTES_MAX = 48;

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/**
 * Encodes a protocol message from its end to its beginning, so that the length of a part is known
 * when it is written in front of it: fields come in descending order, the last entry of a list
 * first.
 *
 * For lists of which the general way, over message objects, costs too much. Fields have numbers
 * below 16; empty ones are left out, as `proto3` wants it.
 */
export class MessageWriter {
  #buffer: Buffer;
  #start: number;

  /** @param bytes room to begin with */
  constructor(bytes: number = START_BYTES) {
    this.#buffer = Buffer.allocUnsafe(bytes);
    this.#start = bytes;
  }

  /** Bytes that were written. */
  get length(): number {
    return this.#buffer.length - this.#start;
  }

  /** Takes back what was written after there were `length` bytes. */
  truncate(length: number): void {
    this.#start = this.#buffer.length - length;
  }

  /** Returns a copy of what was written, and begins anew. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafe(this.length);
    this.#buffer.copy(bytes, 0, this.#start);
    this.truncate(0);
    return bytes;
  }

  /** Returns what was written, in place: nothing may be written any more. */
  finish(): Buffer {
    return this.#buffer.subarray(this.#start);
  }

  /** A string or bytes field: part of `source`, or all of it. */
  bytes(field: number, source: Uint8Array, from: number = 0, to: number = source.length): void {
    const size = to - from;
    if (size <= 0) return;
    this.#reserve(size);
    if (size > SHORT_BYTES_MAX) this.#buffer.set(source.subarray(from, to), this.#start);
    else this.#copyShort(source, from, to);
    this.#key(field, size);
  }

  /** Fields that are encoded already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#start);
  }

  /** A bytes field given as a binary string, or a string field with characters below 128 only. */
  binary(field: number, text: string): void {
    if (text === "") return;
    this.#reserve(text.length);
    this.#buffer.write(text, this.#start, "latin1");
    this.#key(field, text.length);
  }

  /** A string field. */
  text(field: number, text: string): void {
    const size = Buffer.byteLength(text);
    if (size === 0) return;
    this.#reserve(size);
    this.#buffer.write(text, this.#start, "utf8");
    this.#key(field, size);
  }

  /** A field with a number from 0 to the largest safe integer. */
  number(field: number, value: number): void {
    if (value === 0) return;
    this.#varint(value);
    this.#varint((field << 3) | VARINT);
  }

  /** What was written after there were `length` bytes becomes a message in this field. */
  message(field: number, length: number): void {
    this.#key(field, this.length - length);
  }

  #copyShort(source: Uint8Array, from: number, to: number): void {
    const target = this.#buffer;
    let end = this.#start;
    for (let index = from; index < to; index++) target[end++] = source[index] ?? 0;
  }

  #key(field: number, length: number): void {
    this.#varint(length);
    this.#varint((field << 3) | LENGTH_DELIMITED);
  }

  #varint(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    this.#reserve(size);
    let rest = value;
    for (let index = 1; index < size; index++) {
      this.#buffer[this.#start + index - 1] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#start + size - 1] = rest;
  }

  #reserve(bytes: number): void {
    if (bytes > this.#start) {
      const { length } = this;
      const larger = Buffer.allocUnsafeSlow(2 * (length + bytes));
      this.#buffer.copy(larger, larger.length - length, this.#start);
      this.#buffer = larger;
      this.#start = larger.length - length;
    }
    this.#start -= bytes;
  }
}
