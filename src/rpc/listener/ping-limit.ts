import { constants, type ServerHttp2Session } from "node:http2";
import type { Connection } from "./connection.ts";

/** Gitaly lets clients ask every 10 seconds whether it lives, with calls in progress or none. */
const PING_INTERVAL_MS_MIN = 10_000;
/** Pings that may come too early in a row. */
const EARLY_PINGS_MAX = 2;
/** The frame that answers a ping, and what yamux puts before it. */
const PING_ANSWER_BYTES = 17;
const MUX_HEADER_BYTES = 12;

/**
 * Ends a session whose client pings more often than Gitaly allows.
 *
 * As with gRPC's other servers, pings around which something else was sent don't count: clients
 * measure the bandwidth with those.
 */
export function limitPings(session: ServerHttp2Session, connection: Connection): void {
  const answerBytes = PING_ANSWER_BYTES + (connection.mux === undefined ? 0 : MUX_HEADER_BYTES);
  let lastMs = Number.NEGATIVE_INFINITY;
  let writtenBefore = 0;
  let early = 0;
  session.on("ping", () => {
    const nowMs = performance.now();
    const written = connection.bytesWritten;
    const idle = written - writtenBefore <= answerBytes;
    early = idle && nowMs - lastMs < PING_INTERVAL_MS_MIN ? early + 1 : 0;
    lastMs = nowMs;
    writtenBefore = written;
    if (early > EARLY_PINGS_MAX) refuse(session);
  });
}

function refuse(session: ServerHttp2Session): void {
  const reason = constants.NGHTTP2_ENHANCE_YOUR_CALM;
  session.goaway(reason, 0, Buffer.from("too_many_pings"));
  session.destroy(undefined, reason);
}
