import type { Endpoint } from "../rpc/listener/listener.ts";
import { readTlsIdentity } from "../rpc/listener/tls-settings.ts";
import type { Config } from "./config/config.ts";
import { parseListenAddress } from "./listen.ts";

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
