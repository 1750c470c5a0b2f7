import { once } from "node:events";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import {
  connect as connectSecure,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type SecureVersion,
} from "node:tls";
import type { Address } from "./address.ts";
import type { Transport } from "./transport.ts";

/** Time for a connection to come about, TLS included; gRPC's clients wait as long. */
const CONNECT_TIMEOUT_MS = 20_000;
const TLS_VERSION_MIN: SecureVersion = "TLSv1.2";

export interface TlsClientOptions {
  /** Certificates to trust, in PEM; those of the system and of the runtime when left out. */
  readonly certificateAuthorities?: readonly (string | Buffer)[] | undefined;
  /** The name that the server's certificate must carry, when it is not the address's host. */
  readonly serverName?: string | undefined;
}

/** Opens sockets to one address. */
export class SocketTransport implements Transport {
  readonly authority: string;
  readonly #address: Address;
  readonly #tls: TlsClientOptions;
  #secureContext: SecureContext | undefined;

  constructor(address: Address, tls: TlsClientOptions) {
    this.authority = authorityOf(address);
    this.#address = address;
    this.#tls = tls;
  }

  async open(signal: AbortSignal): Promise<Socket> {
    const secure = this.#address.kind === "tcp" && this.#address.secure;
    const socket = this.#start();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
    try {
      await once(socket, secure ? "secureConnect" : "connect", { signal: limit });
    } catch (error) {
      socket.on("error", () => undefined);
      socket.destroy();
      throw error;
    }
    return socket;
  }

  #start(): Socket {
    const address = this.#address;
    if (address.kind === "unix") return connectPlain({ path: address.path });
    const { host, port } = address;
    if (!address.secure) return connectPlain({ host, port, noDelay: true });
    const servername = this.#tls.serverName ?? (isIP(host) === 0 ? host : "");
    this.#secureContext ??= this.#trust();
    return connectSecure({
      host,
      port,
      servername,
      ALPNProtocols: ["h2"],
      secureContext: this.#secureContext,
    }).setNoDelay();
  }

  #trust(): SecureContext {
    const given = this.#tls.certificateAuthorities;
    const ca = given ?? [...getCACertificates("default"), ...getCACertificates("system")];
    return createSecureContext({ ca: [...ca], minVersion: TLS_VERSION_MIN });
  }
}

function authorityOf(address: Address): string {
  if (address.kind === "unix") return "http://localhost";
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${address.secure ? "https" : "http"}://${host}:${address.port}`;
}
