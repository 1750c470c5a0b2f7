import type { ClientHttp2Session } from "node:http2";

/** Gitaly's clients ask every 20 seconds, calls or none; a server refuses more than one in 10. */
const KEEPALIVE_INTERVAL_MS = 20_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

/** Pings the other side for as long as the session lives and ends it when no answer comes. */
export function keepAlive(session: ClientHttp2Session): void {
  let limit: NodeJS.Timeout | undefined;
  const giveUp = (): void => session.destroy(new Error("keepalive ping was not answered"));
  const ping = (): void => {
    if (session.destroyed || session.closed || limit !== undefined) return;
    limit = setTimeout(giveUp, KEEPALIVE_TIMEOUT_MS).unref();
    session.ping(() => {
      clearTimeout(limit);
      limit = undefined;
    });
  };
  const interval = setInterval(ping, KEEPALIVE_INTERVAL_MS).unref();
  session.once("close", () => {
    clearInterval(interval);
    clearTimeout(limit);
  });
}
