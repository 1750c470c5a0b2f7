import type { Duplex } from "node:stream";

/** Opens streams of bytes to one server, on which a channel then speaks HTTP/2. */
export interface Transport {
  /** The server's name as a URL: scheme and host, as HTTP/2 wants them. */
  readonly authority: string;
  /** Returns a connected stream, which the caller owns. */
  open(signal: AbortSignal): Promise<Duplex>;
}
