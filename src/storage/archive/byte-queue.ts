/** Hands out the bytes of a stream in the portions that its reader wants. */
export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** True when nothing has come that wasn't handed out. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** The next `length` bytes; undefined, and nothing is taken, when fewer are left. */
  async exactly(length: number): Promise<Buffer | undefined> {
    while (this.#length < length) if (!(await this.#pull())) return undefined;
    const joined = Buffer.concat(this.#chunks, this.#length);
    this.#replace(joined.subarray(length));
    return joined.subarray(0, length);
  }

  /** The next bytes, at most `length` of them; undefined at the end. */
  async some(length: number): Promise<Buffer | undefined> {
    while (this.#length === 0) if (!(await this.#pull())) return undefined;
    const [first, ...others] = this.#chunks;
    if (first === undefined) return undefined;
    const piece = first.subarray(0, length);
    const rest = first.subarray(length);
    this.#chunks = rest.length === 0 ? others : [rest, ...others];
    this.#length -= piece.length;
    return piece;
  }

  /** Nothing more is wanted: the source is ended. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #pull(): Promise<boolean> {
    const { done, value } = await this.#source.next();
    if (done === true) return false;
    this.#chunks.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    this.#length += value.byteLength;
    return true;
  }

  #replace(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
  }
}
