import type { Duplex } from "node:stream";
import { NamelessAuthority } from "./nameless-authority.ts";
import { SidechannelStream } from "./sidechannel-stream.ts";

/** The client's side of a backchannel: the stream on which the server speaks HTTP/2 as a client. */
export class BackchannelStream extends SidechannelStream {
  readonly #authority = new NamelessAuthority();

  constructor(carrier: Duplex) {
    super(carrier);
    this.on("close", () => carrier.destroy());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.carrier.end(done);
  }

  protected override receive(bytes: Buffer): void {
    const passed = this.#authority.pass(bytes);
    if (passed.length > 0) this.deliver(passed);
  }

  protected override receiveEnd(): void {
    this.deliverEnd();
  }

  protected override framed(chunks: readonly Buffer[]): readonly Buffer[] {
    return chunks;
  }

  /*
   * node:http2 takes any Duplex as its transport but asks it for these, which a socket has.
   */
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
