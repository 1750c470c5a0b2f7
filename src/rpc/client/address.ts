import { RpcError } from "../rpc-error.ts";

/** Where a server listens, and whether the connection is encrypted. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      readonly secure: boolean;
    };

/** The port of a `dns:` address that names none, as the reference's resolver has it. */
const DNS_PORT_DEFAULT = 443;

const REMOTE = /^(tcp|tls):\/\/(.*)$/;
const DNS = /^(dns|dns\+tls):(?:\/\/[^/]*\/)?([^/]+)$/;
const HOST_AND_PORT = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/@?#[\]]+))(?::(\d{1,5}))?$/;

/**
 * Reads an address in the forms that Gitaly's clients take: `unix:/path`, `unix:///path`,
 * `tcp://host:port`, `tls://host:port`, `dns:///host:port` and `dns+tls:///host:port`.
 *
 * Names are resolved by the system; the authority of a `dns:` address is not asked.
 */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix:")) return unixAddress(text);
  const remote = REMOTE.exec(text);
  if (remote !== null) return remoteAddress(remote[1] === "tls", remote[2] ?? "");
  const dns = DNS.exec(text);
  if (dns === null) throw invalidAddress(`invalid connection string: ${JSON.stringify(text)}`);
  return hostAndPort(dns[1] === "dns+tls", dns[2] ?? "", DNS_PORT_DEFAULT);
}

function unixAddress(text: string): Address {
  const path = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  if (path === "") throw invalidAddress("remote addresses should have a path");
  return { kind: "unix", path };
}

function remoteAddress(secure: boolean, rest: string): Address {
  const slash = rest.indexOf("/");
  if (slash >= 0) {
    const path = JSON.stringify(rest.slice(slash));
    throw invalidAddress(`remote addresses should not have a path: ${path}`);
  }
  if (rest === "") throw invalidAddress("remote addresses should have a host");
  return hostAndPort(secure, rest, undefined);
}

function hostAndPort(secure: boolean, text: string, portDefault: number | undefined): Address {
  const match = HOST_AND_PORT.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? portDefault : Number(match[3]);
  if (host === undefined || port === undefined || port > 65_535) {
    throw invalidAddress("remote addresses should be of the form host:port");
  }
  return { kind: "tcp", host, port, secure };
}

function invalidAddress(message: string): RpcError {
  return new RpcError("invalid-argument", message);
}
