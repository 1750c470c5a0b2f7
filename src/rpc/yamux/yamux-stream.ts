import { Duplex } from "node:stream";
import {
  FLAG_ACK,
  FLAG_FIN,
  FLAG_RST,
  FLAG_SYN,
  INITIAL_WINDOW_BYTES,
  TYPE_WINDOW_UPDATE,
  WINDOW_BYTES_MAX,
} from "./frame.ts";
import {
  YamuxProtocolError,
  YamuxSessionClosedError,
  YamuxStreamResetError,
} from "./yamux-error.ts";

export interface DataFrame {
  readonly flags: number;
  readonly streamId: number;
  readonly pieces: readonly Buffer[];
  /** Of all pieces together. */
  readonly length: number;
}

export type SentCallback = (error?: Error | null) => void;

/** What a stream needs of the session that carries it. */
export interface StreamCarrier {
  /** False once the session has ended. */
  isOpen(): boolean;
  sendFrame(type: number, flags: number, streamId: number, length: number): void;
  /**
   * Sends one data frame; false when the connection wants no more for now. `onSent` hears when the
   * pieces have left, or never will.
   */
  sendData(frame: DataFrame, onSent?: SentCallback): boolean;
  /** Calls back once the connection has room again. */
  whenWritable(resume: () => void): void;
  /** No frame of this stream is of interest any more. */
  forget(stream: YamuxStream): void;
  /** This side is done with a stream that the other side hasn't finished. */
  linger(stream: YamuxStream): void;
}

interface PendingWrite {
  readonly pieces: Buffer[];
  /** The first piece that isn't sent yet, and how many bytes aren't. */
  next: number;
  length: number;
  readonly done: SentCallback;
}

/** No single frame keeps the other streams of a connection waiting for longer than this. */
const FRAME_BYTES_MAX = 256 * 1024;
/** What the stream holds ready for its reader, and takes from its writer, before saying "enough". */
const READ_AHEAD_BYTES = 64 * 1024;
const WRITE_AHEAD_BYTES = 256 * 1024;
/** Smaller pieces are collected while the reader is behind, so that each doesn't cost an object. */
const SMALL_PIECE_BYTES = 4 * 1024;
const COLLECTED_BYTES_MAX = 64 * 1024;

/**
 * One stream of a yamux session.
 *
 * `end()` closes our direction and leaves the other one open; `destroy()` before that resets the
 * stream. The reader sets the pace: the other side may send as much as fits the window, and gets
 * new credit when half of it has been read. The callback of a write comes when nothing needs the
 * bytes any more.
 */
export class YamuxStream extends Duplex {
  readonly id: number;
  readonly #carrier: StreamCarrier;
  readonly #windowBytes: number;
  #openingFlags: number;
  #sendWindow: number = INITIAL_WINDOW_BYTES;
  #receiveWindow: number = INITIAL_WINDOW_BYTES;
  #readerWants = false;
  #collected: Buffer | undefined;
  #collectedBytes = 0;
  #write: PendingWrite | undefined;
  #waitsForRoom = false;
  #acknowledged: boolean;
  #onAcknowledged: (() => void) | undefined;
  #finSent = false;
  #finReceived = false;
  #reset = false;

  constructor(
    carrier: StreamCarrier,
    id: number,
    options: { opened: boolean; windowBytes: number },
  ) {
    super({
      readableHighWaterMark: READ_AHEAD_BYTES,
      writableHighWaterMark: WRITE_AHEAD_BYTES,
    });
    this.id = id;
    this.#carrier = carrier;
    this.#windowBytes = Math.max(options.windowBytes, INITIAL_WINDOW_BYTES);
    this.#openingFlags = options.opened ? FLAG_SYN : FLAG_ACK;
    this.#acknowledged = !options.opened;
    // A reset that meets nobody who cares must not end the process.
    this.on("error", () => undefined);
  }

  /** Announces the stream, or accepts it, and with it the size of our window. */
  start(): void {
    this.#giveCredit();
  }

  /** Calls back when the other side has accepted the stream; never if it doesn't. */
  whenAcknowledged(listener: () => void): void {
    if (this.#acknowledged) listener();
    else this.#onAcknowledged = listener;
  }

  /** Takes bytes that the other side sent. */
  receive(bytes: Buffer): void {
    this.#receiveWindow -= bytes.length;
    if (this.#receiveWindow < 0) throw new YamuxProtocolError("receive window exceeded");
    if (this.#finReceived) throw new YamuxProtocolError("data after the end of the stream");
    if (this.destroyed) return;
    if (!this.#readerWants && bytes.length < SMALL_PIECE_BYTES) this.#collect(bytes);
    else {
      this.#deliverCollected();
      this.#deliver(bytes);
    }
  }

  /** Takes a window update of the other side. */
  extendSendWindow(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#sendWindow > WINDOW_BYTES_MAX) throw new YamuxProtocolError("window too large");
    if (bytes > 0) this.#sendPending();
  }

  /** Takes the flags of any frame of the stream, after its content. */
  receiveFlags(flags: number): void {
    if ((flags & FLAG_ACK) !== 0 && !this.#acknowledged) {
      this.#acknowledged = true;
      this.#onAcknowledged?.();
    }
    if ((flags & FLAG_RST) !== 0) this.#onReset();
    else if ((flags & FLAG_FIN) !== 0) this.#onFin();
  }

  /** The session has ended. What has arrived whole can still be read. */
  abandon(cause: Error | undefined): void {
    const finished = this.#finSent && this.#finReceived;
    const error = finished ? undefined : new YamuxSessionClosedError({ cause });
    this.#reset = true;
    if (!this.#finReceived || this.readableEnded) this.destroy(error);
    else {
      this.once("end", () => this.destroy(error));
      this.#sendPending();
    }
  }

  /** Gives up waiting for the other side to finish. */
  sendReset(): void {
    this.#reset = true;
    this.#carrier.sendFrame(TYPE_WINDOW_UPDATE, this.#takeOpeningFlags() | FLAG_RST, this.id, 0);
    this.#carrier.forget(this);
  }

  /**
   * Closes both directions at once, as Go's `Close` does: what was sent stands, what waits to be sent
   * is dropped, and the other side reads an end, not a failure.
   */
  hangUp(): void {
    if (!this.#finSent && !this.#reset && this.#carrier.isOpen()) this.#sendFin();
    this.destroy();
  }

  override _read(): void {
    this.#readerWants = true;
    this.#deliverCollected();
    if (this.#openingFlags === 0) this.#giveCredit();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: SentCallback): void {
    this.#write = { pieces: [chunk], next: 0, length: chunk.length, done };
    this.#sendPending();
  }

  override _writev(chunks: { chunk: Buffer }[], done: SentCallback): void {
    const pieces = chunks.map(({ chunk }) => chunk);
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#write = { pieces, next: 0, length, done };
    this.#sendPending();
  }

  override _final(done: SentCallback): void {
    this.#sendFin();
    done();
  }

  override _destroy(error: Error | null, done: SentCallback): void {
    this.#collected = undefined;
    const finished = this.#finSent && this.#finReceived;
    if (this.#carrier.isOpen() && !this.#reset && !finished) {
      if (this.#finSent) this.#carrier.linger(this);
      else this.sendReset();
    }
    const write = this.#write;
    this.#write = undefined;
    write?.done(error ?? new YamuxStreamResetError());
    done(error);
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

  #sendFin(): void {
    this.#finSent = true;
    this.#carrier.sendFrame(TYPE_WINDOW_UPDATE, this.#takeOpeningFlags() | FLAG_FIN, this.id, 0);
    if (this.#finReceived) this.#carrier.forget(this);
  }

  #onFin(): void {
    if (this.#finReceived) return;
    this.#finReceived = true;
    if (this.#finSent) this.#carrier.forget(this);
    if (this.destroyed) return;
    this.#deliverCollected();
    this.push(null);
  }

  #onReset(): void {
    this.#reset = true;
    this.#carrier.forget(this);
    this.destroy(new YamuxStreamResetError());
  }

  #deliver(bytes: Buffer): void {
    if (!this.push(bytes)) this.#readerWants = false;
  }

  #collect(bytes: Buffer): void {
    if (this.#collectedBytes + bytes.length > COLLECTED_BYTES_MAX) this.#deliverCollected();
    this.#collected ??= Buffer.allocUnsafe(COLLECTED_BYTES_MAX);
    this.#collectedBytes += bytes.copy(this.#collected, this.#collectedBytes);
  }

  #deliverCollected(): void {
    const collected = this.#collected;
    if (collected === undefined) return;
    const bytes = collected.subarray(0, this.#collectedBytes);
    this.#collected = undefined;
    this.#collectedBytes = 0;
    this.#deliver(bytes);
  }

  #giveCredit(): void {
    const heldBytes = this.readableLength + this.#collectedBytes;
    const growth = this.#windowBytes - heldBytes - this.#receiveWindow;
    if (this.#openingFlags === 0 && growth < this.#windowBytes / 2) return;
    if (this.#finReceived || this.#reset || this.destroyed) return;
    this.#receiveWindow += growth;
    this.#carrier.sendFrame(TYPE_WINDOW_UPDATE, this.#takeOpeningFlags(), this.id, growth);
  }

  /** Sends what the writer has handed over, as far as window and connection have room. */
  #sendPending(): void {
    const write = this.#write;
    if (write === undefined || this.#waitsForRoom) return;
    while (write.length > 0 && this.#sendWindow > 0 && !this.#reset) {
      const size = Math.min(write.length, this.#sendWindow, FRAME_BYTES_MAX);
      this.#sendWindow -= size;
      const pieces = take(write, size);
      const isLast = write.length === 0;
      if (isLast) this.#write = undefined;
      const frame = { flags: this.#takeOpeningFlags(), streamId: this.id, pieces, length: size };
      const hasRoom = this.#carrier.sendData(frame, isLast ? write.done : undefined);
      if (isLast) return;
      if (!hasRoom) {
        this.#waitsForRoom = true;
        this.#carrier.whenWritable(this.#onRoom);
        return;
      }
    }
    if (write.length > 0 && !this.#reset) return;
    this.#write = undefined;
    write.done(this.#reset ? new YamuxStreamResetError() : null);
  }

  readonly #onRoom = (): void => {
    this.#waitsForRoom = false;
    this.#sendPending();
  };

  #takeOpeningFlags(): number {
    const flags = this.#openingFlags;
    this.#openingFlags = 0;
    return flags;
  }
}

/** Cuts the first `size` bytes off what is to be written, without copying. */
function take(write: PendingWrite, size: number): Buffer[] {
  const taken: Buffer[] = [];
  write.length -= size;
  for (let left = size; left > 0; ) {
    const piece = write.pieces[write.next];
    if (piece === undefined) break;
    if (piece.length > left) {
      taken.push(piece.subarray(0, left));
      write.pieces[write.next] = piece.subarray(left);
      return taken;
    }
    taken.push(piece);
    left -= piece.length;
    write.next += 1;
  }
  return taken;
}
