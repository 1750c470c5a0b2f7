import {
  type ClientHttp2Stream,
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
} from "node:http2";
import {
  abortError,
  CallError,
  connectionError,
  httpStatusError,
  statusError,
} from "./call-error.ts";
import { frameMessage, MessageDecoder } from "./message-frame.ts";
import { type ResponseMetadata, responseMetadata } from "./metadata.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";

export interface ActiveCallOptions {
  /** Aborting it cancels the call. */
  readonly signal: AbortSignal | undefined;
  /** When the call is given up, in milliseconds from now. */
  readonly timeoutMs: number | undefined;
  /** Largest reply in bytes. */
  readonly messageBytesMax: number;
  readonly onHeader: ((header: ResponseMetadata) => void) | undefined;
  readonly onTrailer: ((trailer: ResponseMetadata) => void) | undefined;
}

/** The longest time that a timer takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** One call in progress on an HTTP/2 stream: bytes of messages out and in, and how it ended. */
export class ActiveCall {
  readonly #stream: ClientHttp2Stream;
  readonly #session: Http2Session | undefined;
  readonly #options: ActiveCallOptions;
  readonly #decoder: MessageDecoder;
  readonly #replies: Buffer[] = [];
  #trailer: ResponseMetadata | undefined;
  #streamError: Error | undefined;
  #failure: { readonly error: unknown } | undefined;
  #readable = true;
  #closed = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: ClientHttp2Stream, options: ActiveCallOptions) {
    this.#stream = stream;
    this.#session = stream.session;
    this.#options = options;
    this.#decoder = new MessageDecoder(options.messageBytesMax);
    this.#listen();
    const { signal, timeoutMs } = options;
    if (signal !== undefined) {
      if (signal.aborted) this.#onAbort();
      else signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (timeoutMs !== undefined) this.#startTimer(timeoutMs);
  }

  /** True when the server has told that it didn't look at the call, which may be made again. */
  get refused(): boolean {
    const refused = this.#stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    return refused && this.#failure === undefined && this.#trailer === undefined;
  }

  /** Sends a message; resolves when there is room for the next one. False: the call has ended. */
  async send({ start, rest }: OutgoingMessage): Promise<boolean> {
    if (this.#over) return false;
    if (this.#write(start, rest)) return true;
    await new Promise<void>((resolve) => {
      this.#wakeWriter = resolve;
    });
    return !this.#over;
  }

  /** Sends the only message of a request together with its end. */
  sendOnly(message: Uint8Array): void {
    if (!this.#over) this.#stream.end(frameMessage(message));
  }

  /** Tells the server that no message follows. */
  endSending(): void {
    if (!this.#over) this.#stream.end();
  }

  /** The next reply; undefined when the server has sent its last. Throws how the call failed. */
  async receive(): Promise<Buffer | undefined> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply !== undefined) return reply;
      if (this.#over) return this.#settled();
      this.#stream.resume();
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  /** Gives the call up if it is still in progress: nobody wants its replies any more. */
  cancel(): void {
    this.abort(new CallError("cancelled", "context canceled"));
  }

  /** Gives the call up because of a failure on this side, which `receive` then throws. */
  abort(error: unknown): void {
    if (this.#over) return;
    this.#failure = { error };
    this.#replies.length = 0;
    this.#stream.resume();
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#finish();
  }

  get #over(): boolean {
    return this.#closed || !this.#readable || this.#failure !== undefined;
  }

  #listen(): void {
    const stream = this.#stream;
    stream.on("response", (headers, flags) => this.#onResponse(headers, flags));
    stream.on("trailers", (trailers) => this.#takeTrailer(trailers));
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("end", () => this.#onEnd());
    stream.on("drain", () => this.#wake());
    stream.on("error", (error) => {
      this.#streamError = error;
    });
    stream.on("close", () => {
      this.#closed = true;
      this.#finish();
    });
  }

  #write(start: Uint8Array, rest: Uint8Array | undefined): boolean {
    if (rest === undefined) return this.#stream.write(frameMessage(start));
    this.#stream.cork();
    this.#stream.write(frameMessage(start, start.length + rest.length));
    const hasRoom = this.#stream.write(rest);
    this.#stream.uncork();
    return hasRoom;
  }

  #startTimer(timeoutMs: number): void {
    const expire = (): void => {
      this.abort(new CallError("deadline-exceeded", "context deadline exceeded"));
    };
    this.#timer = setTimeout(expire, Math.min(timeoutMs, TIMER_MS_MAX));
  }

  #onResponse(headers: IncomingHttpHeaders, flags: number): void {
    const trailersOnly = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const status = Number(headers[":status"]);
    if (headers["grpc-status"] === undefined && status !== 200) this.abort(httpStatusError(status));
    else if (trailersOnly) this.#takeTrailer(headers);
    else this.#checkEncoding(headers["grpc-encoding"]);
    this.#options.onHeader?.(responseMetadata(headers));
  }

  #checkEncoding(encoding: string | string[] | undefined): void {
    if (encoding === undefined || encoding === "identity") return;
    const reason = `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`;
    this.abort(new CallError("internal", reason));
  }

  #takeTrailer(headers: IncomingHttpHeaders): void {
    this.#trailer = responseMetadata(headers);
    this.#options.onTrailer?.(this.#trailer);
  }

  #onData(chunk: Buffer): void {
    if (this.#failure !== undefined) return;
    try {
      this.#replies.push(...this.#decoder.push(chunk));
    } catch (error) {
      this.abort(error instanceof CallError ? error : connectionError(error));
    }
    if (this.#replies.length > 0) this.#stream.pause();
    this.#wake();
  }

  /** The server is done; what we would still send has nobody to read it. */
  #onEnd(): void {
    this.#readable = false;
    if (!this.#stream.writableEnded) this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#finish();
  }

  readonly #onAbort = (): void => {
    const { signal } = this.#options;
    if (signal !== undefined) this.abort(abortError(signal));
  };

  #finish(): void {
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#wake();
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
    if (this.#over || !this.#stream.writableNeedDrain) {
      this.#wakeWriter?.();
      this.#wakeWriter = undefined;
    }
  }

  /** Throws unless the call has ended well. */
  #settled(): undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#trailer === undefined) throw this.#lost();
    const error = statusError(this.#trailer);
    if (error !== undefined) throw error;
    if (this.#decoder.unfinished) throw new CallError("internal", "unexpected EOF");
    return undefined;
  }

  #lost(): CallError {
    if (this.#session === undefined || this.#session.destroyed) {
      return connectionError(this.#streamError);
    }
    return resetError(this.#stream.rstCode, this.#streamError);
  }
}

/** What an end without a status means, by the code of the RST_STREAM frame. */
function resetError(code: number, cause: Error | undefined): CallError {
  const reason = `stream terminated by RST_STREAM with error code: ${code}`;
  switch (code) {
    case constants.NGHTTP2_REFUSED_STREAM:
      return new CallError("unavailable", reason, { cause });
    case constants.NGHTTP2_CANCEL:
      return new CallError("cancelled", reason, { cause });
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return new CallError("resource-exhausted", reason, { cause });
    case constants.NGHTTP2_INADEQUATE_SECURITY:
      return new CallError("permission-denied", reason, { cause });
    case constants.NGHTTP2_NO_ERROR:
      return new CallError("internal", "server closed the stream without sending trailers", {
        cause,
      });
    default:
      return new CallError("internal", reason, { cause });
  }
}
