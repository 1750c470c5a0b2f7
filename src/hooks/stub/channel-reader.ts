import type { Duplex } from "node:stream";
import { HookGoneError, HookProtocolError } from "./hook-protocol-error.ts";

const LINE_FEED = 0x0a;
const EMPTY = Buffer.alloc(0);

/** Reads lines and bytes from a channel, at the reader's pace. */
export class ChannelReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer: Buffer = EMPTY;
  #pending: Promise<boolean> | undefined;

  constructor(channel: Duplex) {
    this.#chunks = (channel as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** Settles when something has arrived (true) or the other side is gone (false). Never rejects. */
  arrival(): Promise<boolean> {
    if (this.#buffer.length > 0) return Promise.resolve(true);
    this.#pending ??= this.#fill();
    return this.#pending;
  }

  /**
   * The next line, without its line feed.
   *
   * Throws a HookProtocolError when it is longer than `bytesMax`, a HookGoneError at the end.
   */
  async line(bytesMax: number): Promise<Buffer> {
    let searched = 0;
    for (;;) {
      const end = this.#buffer.indexOf(LINE_FEED, searched);
      if (end >= 0 && end <= bytesMax) return this.#take(end, 1);
      searched = this.#buffer.length;
      if (end >= 0 || searched > bytesMax) throw new HookProtocolError("hook's line is too long");
      await this.#more();
    }
  }

  /** The next `length` bytes, which a line feed follows. */
  async bytes(length: number): Promise<Buffer> {
    while (this.#buffer.length <= length) await this.#more();
    if (this.#buffer[length] !== LINE_FEED) throw new HookProtocolError("hook's value is too long");
    return this.#take(length, 1);
  }

  #take(length: number, skipped: number): Buffer {
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length + skipped);
    return taken;
  }

  async #more(): Promise<void> {
    this.#pending ??= this.#fill();
    if (!(await this.#pending)) throw new HookGoneError();
  }

  async #fill(): Promise<boolean> {
    try {
      const { done, value } = await this.#chunks.next();
      if (done === true) return false;
      this.#buffer = this.#buffer.length === 0 ? value : Buffer.concat([this.#buffer, value]);
      this.#pending = undefined;
      return true;
    } catch {
      return false;
    }
  }
}
