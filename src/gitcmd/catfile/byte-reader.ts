/** Reads a stream of chunks in pieces that its format asks for. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer, unknown, undefined>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /**
   * Reads to the next `delimiter`, which is taken but not returned. Undefined at the end of the
   * stream, or when more than `bytesMax` bytes come before it.
   */
  async readThrough(delimiter: number, bytesMax: number): Promise<Buffer | undefined> {
    for (let searched = 0; ; ) {
      const end = this.#rest.indexOf(delimiter, searched);
      if (end !== -1) {
        const bytes = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return bytes;
      }
      searched = this.#rest.length;
      if (searched > bytesMax) return undefined;
      const chunk = await this.#nextChunk();
      if (chunk === undefined) return undefined;
      this.#rest = searched === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    }
  }

  /** Between 1 and `bytesMax` bytes, what is there first; undefined at the end of the stream. */
  async readSome(bytesMax: number): Promise<Buffer | undefined> {
    if (this.#rest.length === 0) {
      const chunk = await this.#nextChunk();
      if (chunk === undefined) return undefined;
      this.#rest = chunk;
    }
    const bytes = this.#rest.subarray(0, bytesMax);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  async #nextChunk(): Promise<Buffer | undefined> {
    const { done, value } = await this.#chunks.next();
    return done === true ? undefined : value;
  }
}
