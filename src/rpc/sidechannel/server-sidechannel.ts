import { finished } from "node:stream/promises";
import type { YamuxStream } from "../yamux/yamux-stream.ts";
import { PacketReader } from "./packet.ts";
import { SidechannelError } from "./sidechannel-error.ts";
import { SidechannelStream } from "./sidechannel-stream.ts";

/**
 * The server's side of a sidechannel. Made by `openSidechannel`.
 *
 * Reading ends where the client says that it is done, and fails when the client leaves before
 * that. A handler closes the stream before it answers its call.
 */
export class ServerSidechannel extends SidechannelStream implements AsyncDisposable {
  readonly #packets = new PacketReader();
  readonly #stream: YamuxStream;

  constructor(stream: YamuxStream) {
    super(stream);
    this.#stream = stream;
  }

  /**
   * Lets what was written go out and closes the stream, whether the client is done or not.
   *
   * Throws when the client has gone away.
   */
  async close(): Promise<void> {
    if (this.destroyed && this.writableFinished) return;
    this.end();
    await finished(this, { readable: false });
    this.destroy();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => undefined);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.carrier.end(done);
  }

  /** Clients tell why a call has ended by its status: the sidechannel itself never fails them. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stream.hangUp();
    done(error);
  }

  protected override receive(bytes: Buffer): void {
    if (this.#packets.flushed) return;
    try {
      for (const payload of this.#packets.push(bytes)) this.deliver(payload);
    } catch (error) {
      this.destroy(error instanceof Error ? error : undefined);
      return;
    }
    if (this.#packets.flushed) this.deliverEnd();
  }

  protected override receiveEnd(): void {
    if (!this.#packets.flushed) this.destroy(new SidechannelError("unexpected EOF"));
  }

  protected override framed(chunks: readonly Buffer[]): readonly Buffer[] {
    return chunks;
  }
}
