import { once } from "node:events";
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import type { Duplex } from "node:stream";
import { callWithSidechannel } from "../sidechannel/call-with-sidechannel.ts";
import { multiplexed } from "../sidechannel/multiplexed-transport.ts";
import { SidechannelRegistry, type SidechannelUse } from "../sidechannel/sidechannel-registry.ts";
import { ActiveCall } from "./active-call.ts";
import { parseAddress } from "./address.ts";
import { abortError, CallError, connectionError } from "./call-error.ts";
import type { CallOptions } from "./call-options.ts";
import { startSession } from "./http2-session.ts";
import { metadataHeaders } from "./metadata.ts";
import { SocketTransport, type TlsClientOptions } from "./socket-transport.ts";
import { authorizationHeader } from "./token.ts";
import type { Transport } from "./transport.ts";

export interface DialOptions {
  /** The secret that a Gitaly server asks for; every call then carries a token made from it. */
  readonly token?: string | undefined;
  readonly tls?: TlsClientOptions | undefined;
  /** Largest reply in bytes. Default: 4 MiB, as every gRPC implementation has it. */
  readonly messageBytesMax?: number | undefined;
  /** Multiplexes the connection, so that calls can have sidechannels. */
  readonly sidechannel?: boolean | undefined;
  /** Takes the streams on which the server calls this client, if it does; they speak HTTP/2. */
  readonly onBackchannel?: ((stream: Duplex) => void) | undefined;
}

const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** A grpc-timeout has at most eight digits; beyond that the unit changes from ms to seconds. */
const TIMEOUT_MS_MAX = 99_999_999;

/** Makes a channel to a server; the connection comes about with the first call. */
export function dial(address: string, options: DialOptions = {}): Channel {
  const sockets = new SocketTransport(parseAddress(address), options.tls ?? {});
  if (options.sidechannel !== true) return new Channel(sockets, options);
  const registry = new SidechannelRegistry(options.onBackchannel);
  return new Channel(multiplexed(sockets, registry), options, registry);
}

/** A way to a server: one connection for all calls, made when needed and again when lost. */
export class Channel implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #options: DialOptions;
  readonly #sidechannels: SidechannelRegistry | undefined;
  readonly #closing = new AbortController();
  #session: ClientHttp2Session | undefined;
  #connecting: Promise<ClientHttp2Session> | undefined;

  constructor(transport: Transport, options: DialOptions, sidechannels?: SidechannelRegistry) {
    this.#transport = transport;
    this.#options = options;
    this.#sidechannels = sidechannels;
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

  /**
   * Makes a call that has a sidechannel.
   *
   * `call` makes it, with the options that it is given; `use` runs when the server has opened the
   * sidechannel, and reads it to its end. Settles when both are done, with the reply. A failure of
   * `use` cancels the call and is what the caller sees; when it is the sidechannel that has
   * failed, the call's own error is preferred, since it tells why. It is an error when the server
   * leaves the sidechannel alone.
   */
  async withSidechannel<T>(
    use: SidechannelUse,
    call: (options: CallOptions) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    if (this.#sidechannels === undefined) {
      throw new CallError("failed-precondition", "the channel was dialed without sidechannels");
    }
    return callWithSidechannel(this.#sidechannels, use, call, options);
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
      const stream = await this.#transport.open(this.#closing.signal);
      const session = startSession(this.#transport.authority, stream);
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
