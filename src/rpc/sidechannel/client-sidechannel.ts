import { FLUSH_PACKET, packets } from "./packet.ts";
import { SidechannelStream } from "./sidechannel-stream.ts";

/**
 * The client's side of a sidechannel: a callback of `Channel.withSidechannel` gets it.
 *
 * `end()` tells the server that nothing follows; reading ends when the server has sent everything.
 */
export class ClientSidechannel extends SidechannelStream {
  override _final(done: (error?: Error | null) => void): void {
    this.carrier.write(FLUSH_PACKET, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.readableEnded) this.carrier.end();
    else this.carrier.destroy();
    done(error);
  }

  protected override receive(bytes: Buffer): void {
    this.deliver(bytes);
  }

  protected override receiveEnd(): void {
    this.deliverEnd();
  }

  protected override framed(chunks: readonly Buffer[]): readonly Buffer[] {
    return packets(chunks);
  }
}
