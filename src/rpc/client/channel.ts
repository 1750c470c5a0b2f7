import { once } from "node:events";
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { ActiveCall } from "./active-call.ts";
import { type Address, parseAddress } from "./address.ts";
import { abortError, CallError, connectionError } from "./call-error.ts";
import { startSession } from "./http2-session.ts";
import { metadataHeaders, type OutgoingMetadata, type ResponseMetadata } from "./metadata.ts";
import { SocketOpener, type TlsClientOptions } from "./socket.ts";
import { authorizationHeader } from "./token.ts";

export interface DialOptions {
  /** The secret that a Gitaly server asks for; every call then carries a token made from it. */
  readonly token?: string | undefined;
  readonly tls?: TlsClientOptions | undefined;
  /** Largest reply in bytes. Default: 4 MiB, as every gRPC implementation has it. */
  readonly messageBytesMax?: number | undefined;
}

/** What a call may bring along beside its request. */
export interface CallOptions {
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: OutgoingMetadata | undefined;
  /** The deadline from now; the server learns of it. */
  readonly timeoutMs?: number | undefined;
  /** Hears the metadata that comes ahead of the first reply. */
  readonly onHeader?: ((header: ResponseMetadata) => void) | undefined;
  /** Hears the metadata that comes with the status. */
  readonly onTrailer?: ((trailer: ResponseMetadata) => void) | undefined;
}

const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** A grpc-timeout has at most eight digits; beyond that the unit changes from ms to seconds. */
const TIMEOUT_MS_MAX = 99_999_999;

/** Makes a channel to a server; the connection comes about with the first call. */
export function dial(address: string, options: DialOptions = {}): Channel {
  return new Channel(parseAddress(address), options);
}

/** A way to a server: one connection for all calls, made when needed and again when lost. */
export class Channel implements AsyncDisposable {
  readonly #address: Address;
  readonly #options: DialOptions;
  readonly #sockets: SocketOpener;
  readonly #closing = new AbortController();
  #session: ClientHttp2Session | undefined;
  #connecting: Promise<ClientHttp2Session> | undefined;

  constructor(address: Address, options: DialOptions) {
    this.#address = address;
    this.#options = options;
    this.#sockets = new SocketOpener(address, options.tls ?? {});
  }

  /** Begins a call of the method at `path`, such as `/gitaly.RefService/RefExists`. */
  async open(path: string, options: CallOptions): Promise<ActiveCall> {
    const deadlineMs = performance.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
    const stream = await this.#request(this.#headers(path, options), options);
    return new ActiveCall(stream, {
      signal: options.signal,
      timeoutMs: Number.isFinite(deadlineMs) ? deadlineMs - performance.now() : undefined,
      messageBytesMax: this.#options.messageBytesMax ?? MESSAGE_BYTES_MAX,
      onHeader: options.onHeader,
      onTrailer: options.onTrailer,
    });
  }

  /** Ends the connection and the calls on it. The channel can't be used again. */
  async close(): Promise<void> {
    this.#closing.abort();
    const session = this.#session ?? (await this.#connecting?.catch(() => undefined));
    if (session === undefined || session.destroyed) return;
    const closed = once(session, "close");
    session.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #headers(path: string, { metadata, timeoutMs }: CallOptions): OutgoingHttpHeaders {
    const { token } = this.#options;
    return {
      ...(metadata === undefined ? {} : metadataHeaders(metadata)),
      ...(token === undefined ? {} : { authorization: authorizationHeader(token, Date.now()) }),
      ...(timeoutMs === undefined ? {} : { "grpc-timeout": timeoutHeader(timeoutMs) }),
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "gitaly-ts",
    };
  }

  async #request(headers: OutgoingHttpHeaders, options: CallOptions): Promise<ClientHttp2Stream> {
    const stream = tryRequest(await this.#connected(options), headers);
    if (stream !== undefined) return stream;
    // The session has ended since it was looked up, so nothing was sent: a new one is safe.
    this.#session = undefined;
    const successor = tryRequest(await this.#connected(options), headers);
    if (successor === undefined) throw connectionError(undefined);
    return successor;
  }

  /** The session in use, or a new one, waiting no longer than the call does. */
  async #connected({ signal, timeoutMs }: CallOptions): Promise<ClientHttp2Session> {
    if (signal?.aborted) throw abortError(signal);
    if (this.#closing.signal.aborted) {
      throw new CallError("cancelled", "grpc: the client connection is closing");
    }
    const session = this.#session;
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    this.#connecting ??= this.#connect();
    const limits = signal === undefined ? [] : [signal];
    if (timeoutMs !== undefined) limits.push(AbortSignal.timeout(Math.max(0, timeoutMs)));
    return unlessAborted(this.#connecting, AbortSignal.any(limits));
  }

  async #connect(): Promise<ClientHttp2Session> {
    try {
      const socket = await this.#sockets.open(this.#closing.signal);
      const session = startSession(this.#address, socket);
      session.once("goaway", () => this.#forget(session));
      session.once("close", () => this.#forget(session));
      this.#session = session;
      return session;
    } catch (error) {
      throw connectionError(error);
    } finally {
      this.#connecting = undefined;
    }
  }

  #forget(session: ClientHttp2Session): void {
    if (this.#session === session) this.#session = undefined;
  }
}

function tryRequest(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): ClientHttp2Stream | undefined {
  if (session.closed || session.destroyed) return undefined;
  try {
    return session.request(headers);
  } catch (error) {
    if (session.closed || session.destroyed) return undefined;
    throw error;
  }
}

function timeoutHeader(timeoutMs: number): string {
  const milliseconds = Math.max(0, Math.ceil(timeoutMs));
  if (milliseconds <= TIMEOUT_MS_MAX) return `${milliseconds}m`;
  return `${Math.min(Math.ceil(milliseconds / 1000), TIMEOUT_MS_MAX)}S`;
}

/** Waits for `promise`, but no longer than until the signal is aborted. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(abortError(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
