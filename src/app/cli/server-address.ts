import type { Config } from "../config/config.ts";

/** Where programs of this machine reach the server that is configured like this. */
export function serverAddress({ socketPath, listenAddr, tlsListenAddr }: Config): string {
  if (socketPath !== "") return `unix:${socketPath}`;
  if (listenAddr !== "") return `tcp://${listenAddr}`;
  if (tlsListenAddr !== "") return `tls://${tlsListenAddr}`;
  throw new Error("no address configured");
}
