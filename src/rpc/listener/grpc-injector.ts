import { EventEmitter } from "node:events";
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { type ConnectionInjector, type Server, ServerCredentials } from "@grpc/grpc-js";
import { attachConnection, attachedConnection, type Connection } from "./connection.ts";
import { limitPings } from "./ping-limit.ts";

/** What a client may send ahead of the reader of one call, and of all calls together. */
const STREAM_WINDOW_BYTES = 2 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * Hands connections to a server of the gRPC library, and remembers for its calls over which
 * connection they came.
 */
export class GrpcInjector {
  readonly #injector: ConnectionInjector;
  #arriving: Connection | undefined;

  constructor(server: Server) {
    this.#injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    const http2 = http2ServerOf(server);
    http2.updateSettings({ initialWindowSize: STREAM_WINDOW_BYTES });
    http2.prependListener("session", (session: ServerHttp2Session) => this.#onSession(session));
    http2.prependListener("stream", onStream);
  }

  /** Takes over a stream of bytes on which the client speaks HTTP/2. */
  inject(stream: Duplex, connection: Connection): void {
    // The library makes the session, and tells of it, before it returns.
    this.#arriving = connection;
    this.#injector.injectConnection(stream);
    this.#arriving = undefined;
  }

  /** Lets calls in progress finish, and cuts them off when the time is up. */
  drain(limitMs: number): void {
    this.#injector.drain(limitMs);
  }

  /** Ends all connections as soon as they have no calls. */
  destroy(): void {
    this.#injector.destroy();
  }

  #onSession(session: ServerHttp2Session): void {
    const connection = this.#arriving;
    if (connection === undefined) throw new Error("a session without a connection");
    attachConnection(session, connection);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    limitPings(session, connection);
  }
}

function onStream(stream: ServerHttp2Stream): void {
  const connection = stream.session === undefined ? undefined : attachedConnection(stream.session);
  if (connection !== undefined) attachConnection(stream, connection);
}

/** The library keeps its HTTP/2 servers to itself; its version is pinned for this. */
function http2ServerOf(server: Server): Http2Server {
  const servers: unknown = Reflect.get(server, "http2Servers");
  const [http2] = servers instanceof Map ? servers.keys() : [];
  if (!isHttp2Server(http2)) throw new Error("the gRPC library has no HTTP/2 server");
  return http2;
}

function isHttp2Server(value: unknown): value is Http2Server {
  return value instanceof EventEmitter && "updateSettings" in value;
}
