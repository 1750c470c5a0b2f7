import type { Server } from "node:net";
import { systemErrorText } from "../base/error/system-error-text.ts";

/** Where to take connections. */
export interface ListenAddress {
  /** Empty for every address of the machine. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host:port` or `:port`; a host with colons stands in brackets. A scheme may precede it.
 * Throws an error that names the address when it has no port.
 */
export function parseListenAddress(address: string): ListenAddress {
  const bare = address.replace(/^(tcp|tls):\/\//, "");
  const colon = bare.lastIndexOf(":");
  if (colon < 0) throw listenError(address, "missing port in address");
  const port = Number(bare.slice(colon + 1));
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw listenError(address, "invalid port");
  }
  return { host: bare.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port };
}

/** Takes an address. Rejects with an error that names it when it can't be taken. */
export async function listen(
  server: Pick<Server, "listen" | "once" | "off">,
  address: string,
): Promise<void> {
  const { host, port } = parseListenAddress(address);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // What fails is taking the address, whatever call Node names.
  const fail = (error: Error): void => {
    reject(listenError(address, systemErrorText(error).replace(/^listen: /, "bind: ")));
  };
  server.once("error", fail);
  const listening = (): void => {
    server.off("error", fail);
    resolve();
  };
  if (host === "") server.listen(port, listening);
  else server.listen(port, host, listening);
  await promise;
}

function listenError(address: string, reason: string): Error {
  return new Error(`listen tcp ${address}: ${reason}`);
}
