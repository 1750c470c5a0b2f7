import type { Endpoint } from "../rpc/listener/listener.ts";
import { readTlsIdentity } from "../rpc/listener/tls-settings.ts";
import type { Config } from "./config/config.ts";

/** Where the configuration tells the server to listen for its clients. */
export async function configuredEndpoints(config: Config): Promise<Endpoint[]> {
  const { socketPath, listenAddr, tlsListenAddr, tls } = config;
  const endpoints: Endpoint[] = [];
  if (socketPath !== "") endpoints.push({ kind: "unix", path: socketPath });
  if (listenAddr !== "") endpoints.push({ kind: "tcp", ...parseListenAddress(listenAddr) });
  if (tlsListenAddr !== "") {
    const identity = await readTlsIdentity({
      certificatePath: tls.certificatePath,
      key: tls.key === "" ? { path: tls.keyPath } : { pem: tls.key },
      minVersion: tls.minVersion === "TLSv1.3" ? "TLS 1.3" : "TLS 1.2",
    });
    endpoints.push({ kind: "tls", ...parseListenAddress(tlsListenAddr), identity });
  }
  return endpoints;
}

/** Reads `host:port` or `:port`; a host with colons stands in brackets. A scheme may precede it. */
export function parseListenAddress(address: string): { host: string; port: number } {
  const bare = address.replace(/^(tcp|tls):\/\//, "");
  const colon = bare.lastIndexOf(":");
  const host = bare.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(bare.slice(colon + 1)) };
}
