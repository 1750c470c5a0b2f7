import type { ServerSurfaceCall } from "@grpc/grpc-js/build/src/server-call.js";
import type { YamuxSession } from "../yamux/yamux-session.ts";

/** The kinds of sockets that a server listens on, as metrics name them. */
export type SocketKind = "tcp" | "tls" | "unix";

/** What is known of a connection that calls come over. */
export interface Connection {
  readonly kind: SocketKind;
  /** The other side as logs name it: `127.0.0.1:4711`, `@` for a unix socket. */
  readonly peer: string;
  /** Carries further streams beside the calls; undefined for a client that speaks plain HTTP/2. */
  readonly mux: YamuxSession | undefined;
  /** All bytes sent so far. */
  readonly bytesWritten: number;
}

const CONNECTION = Symbol("connection");

/** Notes on one of `node:http2`'s sessions or streams which connection it belongs to. */
export function attachConnection(target: object, connection: Connection): void {
  Object.defineProperty(target, CONNECTION, { value: connection });
}

/** The connection noted on a session or stream. */
export function attachedConnection(target: object): Connection | undefined {
  return Reflect.get(target, CONNECTION);
}

/**
 * The connection over which a call came.
 *
 * The gRPC library keeps the stream of a call to itself. Its version is pinned, and a test fails
 * when it hides the stream elsewhere.
 */
export function connectionOf(call: ServerSurfaceCall): Connection {
  const stream: unknown = Reflect.get(propertyOf(call, "call"), "stream");
  const connection =
    typeof stream === "object" && stream !== null ? attachedConnection(stream) : undefined;
  if (connection === undefined) throw new Error("the call's connection is unknown");
  return connection;
}

function propertyOf(target: object, name: string): object {
  const value: unknown = Reflect.get(target, name);
  if (typeof value !== "object" || value === null) throw new Error(`the call has no ${name}`);
  return value;
}
