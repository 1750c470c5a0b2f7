import { Duplex } from "node:stream";
import { SidechannelError } from "./sidechannel-error.ts";

type Callback = (error?: Error | null) => void;

/** What the stream holds ready for its reader, and takes from its writer, before saying "enough". */
const READ_AHEAD_BYTES = 64 * 1024;
const WRITE_AHEAD_BYTES = 256 * 1024;

/**
 * One side of a sidechannel: bytes of a git client and a git process beside the messages of a call.
 *
 * `end()` tells the other side that nothing follows and leaves the way back open. A stream that is
 * destroyed before it is finished fails at the other side.
 */
export abstract class SidechannelStream extends Duplex {
  /** The multiplexed stream below. */
  protected readonly carrier: Duplex;
  #received = false;

  constructor(carrier: Duplex) {
    super({ readableHighWaterMark: READ_AHEAD_BYTES, writableHighWaterMark: WRITE_AHEAD_BYTES });
    this.carrier = carrier;
    // A failure that meets nobody who cares must not end the process.
    this.on("error", () => undefined);
    carrier.on("data", (bytes: Buffer) => this.receive(bytes));
    carrier.on("end", () => this.receiveEnd());
    carrier.on("error", (error) => this.destroy(error));
    carrier.on("close", () => this.#onClose());
    carrier.pause();
  }

  /** Takes bytes of the other side, framed as they are on the wire. */
  protected abstract receive(bytes: Buffer): void;
  /** The other side has closed the multiplexed stream. */
  protected abstract receiveEnd(): void;
  /** Puts bytes that the user has written into the frames of this side. */
  protected abstract framed(chunks: readonly Buffer[]): readonly Buffer[];

  /** Gives bytes to the reader. */
  protected deliver(bytes: Buffer): void {
    if (!this.push(bytes)) this.carrier.pause();
  }

  /** Tells the reader that nothing follows. */
  protected deliverEnd(): void {
    this.#received = true;
    this.push(null);
  }

  /** Unlike with other streams, the end of a loop leaves the way back open. */
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Buffer> {
    return this.iterator({ destroyOnReturn: false });
  }

  override _read(): void {
    this.carrier.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#send([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Callback): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  #onClose(): void {
    if (this.#received && this.writableFinished) return;
    this.destroy(new SidechannelError("connection closed"));
  }

  #send(chunks: readonly Buffer[], done: Callback): void {
    const pieces = this.framed(chunks);
    const last = pieces.length - 1;
    if (last < 0) {
      done();
      return;
    }
    this.carrier.cork();
    for (const [index, piece] of pieces.entries()) {
      if (index === last) this.carrier.write(piece, done);
      else this.carrier.write(piece);
    }
    this.carrier.uncork();
  }
}
