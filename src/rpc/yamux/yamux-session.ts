import type { Duplex } from "node:stream";
import { DomainError } from "../../base/error/domain-error.ts";
import {
  encodeHeader,
  FLAG_ACK,
  FLAG_RST,
  FLAG_SYN,
  type FrameHeader,
  FrameReader,
  GO_AWAY_NORMAL,
  GO_AWAY_PROTOCOL_ERROR,
  TYPE_DATA,
  TYPE_GO_AWAY,
  TYPE_PING,
  TYPE_WINDOW_UPDATE,
} from "./frame.ts";
import { YamuxProtocolError, YamuxSessionClosedError } from "./yamux-error.ts";
import {
  type DataFrame,
  type SentCallback,
  type StreamCarrier,
  YamuxStream,
} from "./yamux-stream.ts";

export interface YamuxOptions {
  /** Which side of the connection this is; streams of the two sides have odd and even ids. */
  readonly side: "client" | "server";
  /** Takes a stream that the other side has opened. */
  readonly onStream: (stream: YamuxStream) => void;
  /** How many streams of the other side may live at one time; further ones are reset. */
  readonly acceptedStreamsMax: number;
  /** What the other side may send ahead of the reader of each stream. Default: 16 MiB. */
  readonly windowBytes?: number;
  /** Asks the other side in this interval whether it still lives. Default: never. */
  readonly keepaliveMs?: number;
  /** How long a stream that this side has closed waits for the other side. Default: 5 minutes. */
  readonly lingerMs?: number;
  /** Learns of each read from the connection, in bytes. */
  readonly onRead?: (bytes: number) => void;
  /** Learns of each write to the connection, in bytes. */
  readonly onWrite?: (bytes: number) => void;
}

const WINDOW_BYTES = 16 * 1024 * 1024;
const LINGER_MS = 5 * 60 * 1000;
/** Streams opened but not accepted yet; Go's implementation resets what goes beyond. */
const OPENS_UNANSWERED_MAX = 256;
/** Stream ids are not used twice; a session ends when they are used up. */
const STREAM_ID_MAX = 2 ** 32 - 3;
/** Answers that the other side has provoked and doesn't read. Beyond that it means harm. */
const ANSWERS_UNSENT_MAX = 1024;
/** How long a ping may take before the other side counts as gone. */
const PING_TIMEOUT_MS = 10_000;
/** How long the last bytes may take to leave when the session is closed. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Carries many streams in both directions over one connection, as hashicorp's yamux does.
 *
 * The session owns the connection. Whatever the other side sends, the worst that happens is the
 * end of the session.
 */
export class YamuxSession {
  /** Settles when the session has ended, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #transport: Duplex;
  readonly #options: YamuxOptions;
  readonly #reader: FrameReader;
  readonly #carrier: StreamCarrier;
  readonly #streams = new Map<number, YamuxStream>();
  readonly #unanswered = new Set<YamuxStream>();
  readonly #lingering = new Map<YamuxStream, NodeJS.Timeout>();
  readonly #pings = new Map<number, () => void>();
  readonly #resolveClosed: () => void;
  #waitingWriters: (() => void)[] = [];
  #waitingOpens: (() => void)[] = [];
  #nextStreamId: number;
  #nextPingId = 0;
  #acceptedStreams = 0;
  #unsentAnswers = 0;
  #refusesStreams = false;
  #refusedByOtherSide = false;
  #receiving: YamuxStream | undefined;
  #isOpen = true;
  #keepalive: NodeJS.Timeout | undefined;

  constructor(transport: Duplex, options: YamuxOptions) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#transport = transport;
    this.#options = options;
    this.#nextStreamId = options.side === "client" ? 1 : 2;
    this.#carrier = this.#makeCarrier();
    this.#reader = new FrameReader({
      onHeader: (header) => this.#onHeader(header),
      onData: (bytes) => this.#receiving?.receive(bytes),
      onEnd: (header) => this.#onEnd(header),
    });
    transport.on("data", (chunk: Buffer) => {
      options.onRead?.(chunk.length);
      this.#feed(chunk);
    });
    transport.on("drain", () => this.#resumeWriters());
    transport.on("error", (error) => this.destroy(error));
    transport.on("end", () => this.destroy());
    transport.on("close", () => this.destroy());
    this.#startKeepalive();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens a stream. Waits while too many earlier ones haven't been accepted yet. */
  async open(signal?: AbortSignal): Promise<YamuxStream> {
    while (this.#isOpen && this.#unanswered.size >= OPENS_UNANSWERED_MAX) {
      await this.#turnToOpen(signal);
    }
    signal?.throwIfAborted();
    const id = this.#nextStreamId;
    if (!this.#isOpen || this.#refusedByOtherSide || id > STREAM_ID_MAX) {
      throw new YamuxSessionClosedError();
    }
    this.#nextStreamId += 2;
    const stream = this.#addStream(id, true);
    this.#unanswered.add(stream);
    stream.whenAcknowledged(() => this.#onAnswered(stream));
    stream.start();
    return stream;
  }

  /** Tells the other side to open no further streams; those there are go on. */
  goAway(): void {
    this.#refusesStreams = true;
    this.#sendFrame(TYPE_GO_AWAY, 0, 0, GO_AWAY_NORMAL);
  }

  /** True when the other side answers in time; otherwise the session is ended. */
  async ping(): Promise<boolean> {
    if (!this.#isOpen) return false;
    const id = this.#nextPingId;
    this.#nextPingId = (id + 1) % 2 ** 32;
    const timer = setTimeout(() => this.destroy(), PING_TIMEOUT_MS).unref();
    await new Promise<void>((resolve) => {
      this.#pings.set(id, resolve);
      this.#sendFrame(TYPE_PING, FLAG_SYN, 0, id);
    });
    clearTimeout(timer);
    return this.#isOpen;
  }

  /** Ends the session and all its streams, letting what has been sent leave first. */
  close(cause?: Error): void {
    if (!this.#isOpen) return;
    const transport = this.#transport;
    const timer = setTimeout(() => transport.destroy(), CLOSE_TIMEOUT_MS).unref();
    transport.once("close", () => clearTimeout(timer));
    this.#end(cause);
    transport.end(() => transport.destroy());
  }

  /** Ends the session, its streams and the connection at once. */
  destroy(cause?: Error): void {
    this.#end(cause);
    this.#transport.destroy();
  }

  #end(cause: Error | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#reader.stop();
    clearInterval(this.#keepalive);
    for (const timer of this.#lingering.values()) clearTimeout(timer);
    this.#lingering.clear();
    for (const stream of this.#streams.values()) stream.abandon(cause);
    this.#streams.clear();
    this.#unanswered.clear();
    for (const resume of this.#waitingWriters.splice(0)) resume();
    for (const resume of this.#waitingOpens.splice(0)) resume();
    for (const resolve of this.#pings.values()) resolve();
    this.#pings.clear();
    this.#resolveClosed();
  }

  #feed(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      if (error instanceof YamuxProtocolError) {
        this.#sendFrame(TYPE_GO_AWAY, 0, 0, GO_AWAY_PROTOCOL_ERROR);
      }
      this.close(error instanceof Error ? error : undefined);
    }
  }

  #onHeader({ type, flags, streamId, length }: FrameHeader): void {
    this.#receiving = undefined;
    if (type === TYPE_PING) this.#onPing(flags, length);
    else if (type === TYPE_GO_AWAY) this.#onGoAway(length);
    else {
      if (streamId === 0) throw new YamuxProtocolError("frame without a stream");
      if ((flags & FLAG_SYN) !== 0) this.#accept(streamId);
      // Frames of a stream that this side has reset may still be on their way: they are skipped.
      this.#receiving = this.#streams.get(streamId);
    }
  }

  #onEnd({ type, flags, length }: FrameHeader): void {
    const stream = this.#receiving;
    this.#receiving = undefined;
    if (stream === undefined) return;
    if (type === TYPE_WINDOW_UPDATE) stream.extendSendWindow(length);
    stream.receiveFlags(flags);
  }

  #onPing(flags: number, id: number): void {
    if ((flags & FLAG_SYN) !== 0) {
      this.#answer(TYPE_PING, FLAG_ACK, 0, id);
      return;
    }
    this.#pings.get(id)?.();
    this.#pings.delete(id);
  }

  #onGoAway(reason: number): void {
    if (reason !== GO_AWAY_NORMAL) throw new DomainError("internal", "yamux: told to go away");
    this.#refusedByOtherSide = true;
  }

  #accept(id: number): void {
    const ownIds = this.#options.side === "client" ? 1 : 0;
    if (id % 2 === ownIds) throw new YamuxProtocolError("stream id of the wrong side");
    if (this.#streams.has(id)) throw new YamuxProtocolError("stream id in use");
    if (this.#refusesStreams || this.#acceptedStreams >= this.#options.acceptedStreamsMax) {
      this.#answer(TYPE_WINDOW_UPDATE, FLAG_RST, id, 0);
      return;
    }
    this.#acceptedStreams += 1;
    const stream = this.#addStream(id, false);
    stream.start();
    this.#options.onStream(stream);
  }

  #addStream(id: number, opened: boolean): YamuxStream {
    const windowBytes = this.#options.windowBytes ?? WINDOW_BYTES;
    const stream = new YamuxStream(this.#carrier, id, { opened, windowBytes });
    this.#streams.set(id, stream);
    return stream;
  }

  async #turnToOpen(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waitingOpens.push(resolve);
    signal?.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    if (!signal?.aborted) return;
    // Somebody else takes the turn, should it have come at the same time.
    this.#waitingOpens = this.#waitingOpens.filter((waiting) => waiting !== resolve);
    this.#waitingOpens.shift()?.();
    signal.throwIfAborted();
  }

  #onAnswered(stream: YamuxStream): void {
    if (this.#unanswered.delete(stream)) this.#waitingOpens.shift()?.();
  }

  #forget(stream: YamuxStream): void {
    if (this.#streams.get(stream.id) !== stream) return;
    this.#streams.delete(stream.id);
    clearTimeout(this.#lingering.get(stream));
    this.#lingering.delete(stream);
    if (stream.id % 2 !== this.#nextStreamId % 2) this.#acceptedStreams -= 1;
    this.#onAnswered(stream);
  }

  #linger(stream: YamuxStream): void {
    const timer = setTimeout(() => stream.sendReset(), this.#options.lingerMs ?? LINGER_MS);
    this.#lingering.set(stream, timer.unref());
  }

  #makeCarrier(): StreamCarrier {
    return {
      isOpen: () => this.#isOpen,
      sendFrame: (type, flags, streamId, length) => this.#sendFrame(type, flags, streamId, length),
      sendData: (frame, onSent) => this.#sendData(frame, onSent),
      whenWritable: (resume) => {
        this.#waitingWriters.push(resume);
      },
      forget: (stream) => this.#forget(stream),
      linger: (stream) => this.#linger(stream),
    };
  }

  #sendFrame(type: number, flags: number, streamId: number, length: number): void {
    if (!this.#transport.writable) return;
    this.#write(encodeHeader(type, flags, streamId, length));
  }

  #write(bytes: Uint8Array, onSent?: SentCallback): void {
    this.#options.onWrite?.(bytes.length);
    this.#transport.write(bytes, onSent);
  }

  #sendData({ flags, streamId, pieces, length }: DataFrame, onSent?: SentCallback): boolean {
    const transport = this.#transport;
    const last = pieces.length - 1;
    if (!transport.writable) {
      onSent?.();
      return true;
    }
    transport.cork();
    this.#write(encodeHeader(TYPE_DATA, flags, streamId, length));
    for (const [index, piece] of pieces.entries()) {
      this.#write(piece, index === last ? onSent : undefined);
    }
    transport.uncork();
    return !transport.writableNeedDrain;
  }

  /** Sends a frame that the other side has asked for; one that asks and doesn't read is cut off. */
  #answer(type: number, flags: number, streamId: number, length: number): void {
    this.#unsentAnswers += 1;
    if (this.#unsentAnswers > ANSWERS_UNSENT_MAX) throw new YamuxProtocolError("flood");
    if (!this.#transport.writable) return;
    this.#write(encodeHeader(type, flags, streamId, length), () => {
      this.#unsentAnswers -= 1;
    });
  }

  /** Lets streams send again, each in its turn, until the connection is full once more. */
  #resumeWriters(): void {
    const waiting = this.#waitingWriters;
    this.#waitingWriters = [];
    for (const [index, resume] of waiting.entries()) {
      if (this.#transport.writableNeedDrain) {
        this.#waitingWriters = [...waiting.slice(index), ...this.#waitingWriters];
        return;
      }
      resume();
    }
  }

  #startKeepalive(): void {
    const { keepaliveMs } = this.#options;
    if (keepaliveMs === undefined) return;
    this.#keepalive = setInterval(() => void this.ping(), keepaliveMs).unref();
  }
}
