import { type ClientHttp2Session, connect } from "node:http2";
import type { Duplex } from "node:stream";
import { keepAlive } from "./keepalive.ts";

/** What a server may send ahead of the reader of one call, and of all calls together. */
const STREAM_WINDOW_BYTES = 2 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 8 * 1024 * 1024;
/** Node's own bound counts what flow control bounds already, and breaks calls when it is met. */
const SESSION_MEMORY_MB_MAX = Number.MAX_SAFE_INTEGER;
/** A server that names no limit to the calls at one time has none. */
const CALLS_MAX = 2 ** 32 - 1;

/** Starts HTTP/2 as a client on a connected stream, which the session then owns. */
export function startSession(authority: string, stream: Duplex): ClientHttp2Session {
  const session = connect(authority, {
    createConnection: () => stream,
    maxSessionMemory: SESSION_MEMORY_MB_MAX,
    // Messages of errors may end with blanks.
    strictFieldWhitespaceValidation: false,
    peerMaxConcurrentStreams: CALLS_MAX,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
  });
  session.once("connect", () => {
    // Node tells of the connection later, perhaps to one who has ended it.
    if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  });
  // The calls on the session hear of its failure themselves.
  session.on("error", () => undefined);
  keepAlive(session);
  return session;
}
