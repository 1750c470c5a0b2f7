import { untilFailure } from "./upload-command.ts";

/**
 * What a client sends that pushes or fetches. What was read can be read once more, so that git can take over.
 *
 * A client that has failed is one that says no more.
 */
export class ClientInput {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #read: Uint8Array[] = [];

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = untilFailure(source);
  }

  /** Returns undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return undefined;
    this.#read.push(value);
    return value;
  }

  /** Forgets what was read so far, and returns it. */
  takeRead(): readonly Uint8Array[] {
    const read = this.#read;
    this.#read = [];
    return read;
  }

  /** Everything from the beginning, or from what was taken last. */
  fromStart(): AsyncGenerator<Uint8Array> {
    return this.#following(this.#read);
  }

  /** `unread`, which is the end of what was read, and what comes then. */
  from(unread: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    return this.#following(unread);
  }

  async *#following(read: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    this.#read = [];
    yield* read;
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return;
      yield value;
    }
  }
}
