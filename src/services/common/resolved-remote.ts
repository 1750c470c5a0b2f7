import { isIP } from "node:net";
import type { ConfigPair } from "../../gitcmd/git-command.ts";
import { RpcError } from "../../rpc/rpc-error.ts";
import { hostAndPort, InvalidUrlError, type ParsedUrl, parseUrl, urlText } from "./parse-url.ts";

/** How git has to be told of a remote so that it doesn't look up the host's name once more. */
export interface ResolvedRemote {
  readonly url: string;
  readonly config: readonly ConfigPair[];
}

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ["http", "80"],
  ["https", "443"],
  ["git", "9418"],
]);

/**
 * Pins a remote to the address that its caller has looked up and checked: a name that leads
 * elsewhere on a second look would reach hosts that nobody has allowed.
 *
 * @throws RpcError of kind `unknown`
 */
export function resolveRemote(url: string, address: string): ResolvedRemote {
  if (url === "") throw flawed("URL is empty");
  if (address === "") throw flawed("resolved address is empty");
  if (!isAddress(address)) throw flawed("resolved address has invalid IPv4/IPv6 address");
  if (/^(?:https?|git):\/\//.test(url)) return pinName(url, address);
  if (url.startsWith("ssh://")) {
    return { url: urlText({ ...strictUrl(url), host: address }), config: [] };
  }
  return replaceHost(url, address);
}

/** As Go takes it: no zone. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}

function pinName(url: string, address: string): ResolvedRemote {
  const { scheme, host } = strictUrl(url);
  const { hostname, port } = hostAndPort(host);
  const value = `${hostname}:${port || DEFAULT_PORTS.get(scheme)}:${address}`;
  return { url, config: [{ key: "http.curloptResolve", value }] };
}

/** `user@host:path`, as scp has it. */
function replaceHost(url: string, address: string): ResolvedRemote {
  const colon = url.indexOf(":");
  if (colon < 0) throw flawed(`invalid protocol/URL encountered: ${url}`);
  if (url.slice(0, colon).includes("/")) {
    throw flawed("SSH URLs with '/' before colon are unsupported");
  }
  const user = url.slice(0, url.indexOf("@") + 1);
  return { url: `${user}${address}:${url.slice(colon + 1)}`, config: [] };
}

function strictUrl(url: string): ParsedUrl {
  try {
    return parseUrl(url, { strict: true });
  } catch (error) {
    if (!(error instanceof InvalidUrlError)) throw error;
    throw flawed(`couldn't parse remoteURL: ${error.message}`);
  }
}

function flawed(message: string): RpcError {
  return new RpcError("unknown", message);
}
