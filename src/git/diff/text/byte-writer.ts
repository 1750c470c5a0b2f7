/** Bytes that grow at their end. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  /** @param capacity bytes to make room for at first */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(capacity, 64));
  }

  get length(): number {
    return this.#length;
  }

  writeByte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  /** @param text a binary string */
  writeBinary(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#bytes.write(text, this.#length, "latin1");
  }

  writeRange(source: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.#length += source.copy(this.#bytes, this.#length, start, end);
  }

  /** A copy of what was written from `start` on, in memory of its own. */
  copyFrom(start: number): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.#length - start);
    this.#bytes.copy(copy, 0, start, this.#length);
    return copy;
  }

  /** What was written so far; it belongs to the caller, and the writer begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(64);
    this.#length = 0;
    return taken;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
