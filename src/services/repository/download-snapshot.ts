import type { LookupFunction } from "node:net";
import { isIPv6 } from "node:net";
import { Agent, type Dispatcher, request as send } from "undici";
import { quoteText } from "../../base/text/quote-text.ts";
import { internal, invalidArgument } from "../../rpc/rpc-error.ts";
import {
  hostAndPort,
  InvalidUrlError,
  type ParsedUrl,
  parseUrl,
  urlText,
} from "../common/parse-url.ts";
import { isAddress } from "../common/resolved-remote.ts";

/** Where a snapshot is downloaded from. */
export interface SnapshotSource {
  readonly httpUrl: string;
  /** The authorization header; empty for none. */
  readonly httpAuth: string;
  /** Empty when the host's name shall be looked up. */
  readonly resolvedAddress: string;
}

/** Milliseconds that a server may take to be reached, and to begin to answer. */
const CONNECT_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 30_000;

/**
 * Downloads a snapshot; nothing is followed elsewhere. Yields the body at the reader's pace.
 *
 * @throws RpcError that tells what is wrong with the request or the server
 */
export async function* downloadSnapshot(
  source: SnapshotSource,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const url = checkedUrl(source.httpUrl);
  const lookup = source.resolvedAddress === "" ? undefined : pinned(url, source);
  const connect = { timeout: CONNECT_TIMEOUT_MS, ...(lookup && { lookup }) };
  const agent = new Agent({ connect, headersTimeout: HEADERS_TIMEOUT_MS, bodyTimeout: 0 });
  try {
    const { statusCode, statusText, body } = await get(agent, url, source, signal);
    if (statusCode < 200 || statusCode >= 300) {
      body.on("error", () => undefined).destroy();
      throw internal(`HTTP server: ${statusCode} ${statusText}`);
    }
    yield* body;
  } finally {
    await agent.destroy();
  }
}

function checkedUrl(httpUrl: string): ParsedUrl {
  try {
    return parseUrl(httpUrl);
  } catch (error) {
    if (!(error instanceof InvalidUrlError)) throw error;
    throw invalidArgument(`Bad HTTP URL: ${error.message}`, { cause: error });
  }
}

/** Leads every name to the one address that the caller has checked. */
function pinned({ scheme, host }: ParsedUrl, source: SnapshotSource): LookupFunction {
  const doing = "creating resolved HTTP client";
  const { port } = hostAndPort(host);
  if (port === "" && scheme !== "http" && scheme !== "https") {
    throw invalidArgument(`${doing}: unsupported schema ${quoteText(scheme)}`);
  }
  const address = source.resolvedAddress;
  if (!isAddress(address)) {
    throw invalidArgument(`${doing}: invalid resolved address ${quoteText(address)}`);
  }
  const family = isIPv6(address) ? 6 : 4;
  return (_name, options, found) => {
    if (options.all === true) found(null, [{ address, family }]);
    else found(null, address, family);
  };
}

async function get(
  agent: Dispatcher,
  url: ParsedUrl,
  { httpAuth }: SnapshotSource,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const authorization = httpAuth === "" ? userAuthorization(url) : httpAuth;
  const text = urlText({ ...url, user: undefined, fragment: "" });
  const failed = (reason: string, cause?: unknown): Error =>
    internal(`HTTP request failed: Get ${quoteText(text)}: ${reason}`, { cause });
  if (url.scheme !== "http" && url.scheme !== "https") {
    throw failed(`unsupported protocol scheme ${quoteText(url.scheme)}`);
  }
  if (url.host === "") throw failed("http: no Host in request URL");
  try {
    return await send(text, {
      dispatcher: agent,
      signal,
      headers: authorization === undefined ? {} : { authorization },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw failed(connectFailure(error), error);
  }
}

function userAuthorization({ user }: ParsedUrl): string | undefined {
  if (user === undefined) return undefined;
  return `Basic ${Buffer.from(`${user.name}:${user.password ?? ""}`).toString("base64")}`;
}

/** In the words of Go's network library, where they are known. */
function connectFailure(error: unknown): string {
  const { code, address, port, hostname }: NodeFailure = { ...Object(error) };
  if (code === "ECONNREFUSED") return `dial tcp ${address}:${port}: connect: connection refused`;
  if (code === "ENOTFOUND") return `dial tcp: lookup ${hostname}: no such host`;
  if (code === "UND_ERR_HEADERS_TIMEOUT") return "net/http: timeout awaiting response headers";
  return error instanceof Error ? error.message : "unknown";
}

interface NodeFailure {
  readonly code?: unknown;
  readonly address?: unknown;
  readonly port?: unknown;
  readonly hostname?: unknown;
}
