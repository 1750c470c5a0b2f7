import type { RequestMetadata } from "../../rpc/call.ts";
import { RpcError } from "../../rpc/rpc-error.ts";

/** How to reach the server of a storage. */
export interface GitalyServer {
  readonly address: string;
  /** Empty when the server asks for none. */
  readonly token: string;
}

/**
 * The servers that a caller names by the storages they have, for calls that take more than one.
 *
 * @throws RpcError of kind `unknown`
 */
export function gitalyServers(metadata: RequestMetadata): ReadonlyMap<string, GitalyServer> {
  // HTTP/2 joins values that come more than once; the first one counts.
  const encoded = metadata.getAll("gitaly-servers")[0]?.split(",", 1)[0];
  if (encoded === undefined) throw flawed("empty gitaly-servers metadata");
  return parseGitalyServers(encoded);
}

/**
 * Reads servers by the storages they have from base64 of JSON.
 *
 * @throws RpcError of kind `unknown`
 */
export function parseGitalyServers(encoded: string): ReadonlyMap<string, GitalyServer> {
  const servers = parseJson(decodeBase64(encoded));
  return new Map(
    Object.entries(servers).map(([name, server]) => {
      const { address, token }: Readonly<Record<string, unknown>> = { ...Object(server) };
      return [name, { address: text(address), token: text(token) }];
    }),
  );
}

/** As `gitalyServers`, for one storage. */
export function gitalyServer(metadata: RequestMetadata, storageName: string): GitalyServer {
  const server = gitalyServers(metadata).get(storageName);
  if (server === undefined) throw flawed("storage name not found");
  return server;
}

function decodeBase64(encoded: string): string {
  const strange = encoded.search(/[^A-Za-z0-9+/=\r\n]/);
  const isCut = encoded.replace(/[\r\n]/g, "").length % 4 !== 0;
  if (strange >= 0 || isCut) {
    const index = strange >= 0 ? strange : encoded.length - (encoded.length % 4);
    throw flawed(`failed decoding base64: illegal base64 data at input byte ${index}`);
  }
  return Buffer.from(encoded, "base64").toString();
}

function parseJson(json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : {};
  } catch (error) {
    const reason = error instanceof Error ? error.message : "";
    throw new RpcError("unknown", `failed unmarshalling json: ${reason}`, { cause: error });
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function flawed(message: string): RpcError {
  return new RpcError("unknown", message);
}
