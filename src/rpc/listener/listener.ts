import { once } from "node:events";
import { lstat, unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Logger } from "../../base/log/logger.ts";
import { YamuxSession } from "../yamux/yamux-session.ts";
import type { YamuxStream } from "../yamux/yamux-stream.ts";
import type { Connection, SocketKind } from "./connection.ts";
import type { ConnectionMetrics } from "./connection-metrics.ts";
import { detectProtocol } from "./handshake.ts";
import type { TlsIdentity } from "./tls-settings.ts";

/** Where to listen. An empty host means all interfaces, port 0 any free one. */
export type Endpoint =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | {
      readonly kind: "tls";
      readonly host: string;
      readonly port: number;
      readonly identity: TlsIdentity;
    }
  | { readonly kind: "unix"; readonly path: string };

export interface ListenOptions {
  /** Takes a stream on which a client speaks HTTP/2: a socket or a multiplexed stream on one. */
  readonly onConnection: (stream: Duplex, connection: Connection) => void;
  readonly log: Logger;
  readonly metrics?: ConnectionMetrics;
  /** How long a client may take to tell what it speaks, TLS included. Default: 2 minutes. */
  readonly handshakeTimeoutMs?: number;
  /** Lets several processes listen on the same port; the system spreads the connections. */
  readonly reusePort?: boolean;
}

/** As long as gRPC's servers wait. */
const HANDSHAKE_TIMEOUT_MS = 120_000;
const TCP_KEEPALIVE_MS = 15_000;

/**
 * Starts listening. A socket file left over by an earlier process is replaced.
 *
 * Each connection tells by its first bytes whether it is plain HTTP/2 or Gitaly's backchannel;
 * `onConnection` gets a stream of HTTP/2 either way. What goes wrong on a connection ends that
 * connection.
 */
export async function listen(endpoint: Endpoint, options: ListenOptions): Promise<Listener> {
  const listener = new Listener(endpoint, options);
  await listener.start();
  return listener;
}

/** Accepts connections at one endpoint. Made by `listen`. */
export class Listener {
  readonly #endpoint: Endpoint;
  readonly #options: ListenOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #handshaking = new Set<Socket>();
  readonly #closed: Promise<unknown>;

  constructor(endpoint: Endpoint, options: ListenOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#server = this.#createServer();
    this.#server.on("connection", (socket) => this.#track(socket));
    this.#closed = new Promise((resolve) => this.#server.once("close", resolve));
  }

  /** The port in use; undefined for a unix socket. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === "object" ? address?.port : undefined;
  }

  async start(): Promise<void> {
    const { reusePort = false } = this.#options;
    if (this.#endpoint.kind === "unix") {
      await removeStaleSocket(this.#endpoint.path);
      this.#server.listen({ path: this.#endpoint.path });
    } else {
      const { host, port } = this.#endpoint;
      this.#server.listen(host === "" ? { port, reusePort } : { host, port, reusePort });
    }
    await once(this.#server, "listening");
    this.#server.on("error", (error) => {
      this.#options.log.error("accepting a connection failed", { error: error.message });
    });
  }

  /** Accepts nothing further and drops those who haven't told what they speak. */
  stopAccepting(): void {
    this.#server.close();
    for (const socket of this.#handshaking) socket.destroy();
  }

  /** Ends every connection. Settles when all are gone. */
  async close(): Promise<void> {
    this.stopAccepting();
    for (const socket of this.#sockets) socket.destroy();
    await this.#closed;
  }

  #createServer(): Server {
    const shared = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };
    const { kind } = this.#endpoint;
    if (kind !== "tls") {
      return createServer(shared, (socket) => void this.#accept(socket, kind));
    }
    const { certificate, key, minVersion } = this.#endpoint.identity;
    const server = createTlsServer({
      ...shared,
      cert: certificate,
      key,
      minVersion,
      ALPNProtocols: ["h2"],
      handshakeTimeout: this.#options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    });
    server.on("secureConnection", (socket) => {
      assumeHttp2(socket);
      void this.#accept(socket, "tls");
    });
    server.on("tlsClientError", (error) => this.#logRefusal(error));
    return server;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    this.#options.metrics?.countConnection(this.#endpoint.kind);
    socket.on("error", (error) =>
      this.#options.log.debug("connection failed", { error: error.message }),
    );
    socket.once("close", () => this.#sockets.delete(socket));
  }

  async #accept(socket: Socket, kind: SocketKind): Promise<void> {
    const timer = setTimeout(
      () => socket.destroy(),
      this.#options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
    );
    const settle = (): void => {
      clearTimeout(timer);
      this.#handshaking.delete(socket);
    };
    this.#handshaking.add(socket);
    socket.once("close", settle);
    socket.on("error", () => undefined);
    const protocol = await detectProtocol(socket);
    if (protocol === undefined) socket.destroy();
    else if (protocol === "backchannel") this.#multiplex(socket, kind, settle);
    else {
      settle();
      this.#handOver(socket, socket, kind, undefined);
    }
  }

  /** The client's first stream carries its calls; the connection ends with it. */
  #multiplex(socket: Socket, kind: SocketKind, settle: () => void): void {
    const onStream = (stream: YamuxStream): void => {
      settle();
      stream.once("close", () => mux.close());
      this.#handOver(stream, socket, kind, mux);
    };
    const mux = new YamuxSession(socket, {
      side: "server",
      onStream,
      acceptedStreamsMax: 1,
      ...this.#options.metrics?.observer(),
    });
    socket.resume();
  }

  #handOver(stream: Duplex, socket: Socket, kind: SocketKind, mux: YamuxSession | undefined): void {
    const connection: Connection = {
      kind,
      mux,
      peer: peerName(socket),
      get bytesWritten() {
        return socket.bytesWritten;
      },
    };
    try {
      this.#options.onConnection(stream, connection);
    } catch (error) {
      this.#options.log.error("taking over a connection failed", { error: String(error) });
      socket.destroy();
    }
  }

  #logRefusal(error: Error): void {
    this.#options.log.info("TLS handshake failed", { error: error.message });
  }
}

/** Only a socket is removed: whatever else is at the path makes listening fail. */
async function removeStaleSocket(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isSocket()) await unlink(path);
}

/** Clients that negotiate no protocol speak HTTP/2 all the same; `node:http2` would refuse them. */
function assumeHttp2(socket: TLSSocket): void {
  if (socket.alpnProtocol === false) socket.alpnProtocol = "h2";
}

function peerName({ remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined) return "@";
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/, "");
  return address.includes(":") ? `[${address}]:${remotePort}` : `${address}:${remotePort}`;
}
