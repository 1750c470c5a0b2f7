import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createGunzip } from "node:zlib";
import { DomainError } from "../../base/error/domain-error.ts";
import type { Logger } from "../../base/log/logger.ts";
import { writeTo } from "../../base/stream/write-to.ts";
import type { HttpAccess } from "../access/http-access.ts";
import type { GitBackend, TransferRequest } from "../backend/git-backend.ts";
import { createMissing } from "../create-missing.ts";
import { parseRepositoryPath } from "../repository-path.ts";
import type { BundleFiles } from "./bundle-files.ts";
import { failureStatus } from "./failure-status.ts";
import { type GitRoute, parseGitRoute } from "./git-route.ts";
import { welcomePage } from "./welcome-page.ts";

export interface HttpGatewayOptions {
  readonly backend: GitBackend;
  readonly access: HttpAccess;
  readonly storageName: string;
  /** Whether the first push to a path makes the repository. */
  readonly createOnPush: boolean;
  readonly logger: Logger;
  /** Serves bundles that the server has made; undefined when they are served elsewhere. */
  readonly bundles?: BundleFiles | undefined;
}

/** A request's header must be complete within this time; bodies may take as long as they need. */
const HEADERS_TIMEOUT_MS = 30_000;

/** Serves git's smart HTTP protocol. The caller listens on the server and closes it. */
export function createHttpGateway(options: HttpGatewayOptions): Server {
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0, keepAliveTimeout: 60_000 },
    (request, response) => void answer(options, request, response),
  );
  return server;
}

async function answer(
  options: HttpGatewayOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  response.on("error", () => gone.abort());
  try {
    await serve(options, request, response, gone.signal);
  } catch (error) {
    if (gone.signal.aborted) return;
    const { status, text } = failureStatus(error);
    options.logger.warn("git request failed", { error, status, url: request.url });
    if (response.headersSent) response.destroy();
    else refuse(response, status, text);
  }
}

async function serve(
  options: HttpGatewayOptions,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { method = "", url = "" } = request;
  if (method === "GET" && url === "/") return page(response, welcomePage(request.headers.host));
  if (method === "GET" && (await options.bundles?.answer(url, response, signal)) === true) return;
  const route = parseGitRoute(method, url);
  const repository = route && parseRepositoryPath(options.storageName, route.path);
  if (route === undefined || repository === undefined) return refuse(response, 404, "not found");
  const identity = options.access.admit(request.headers.authorization);
  if (identity === undefined) {
    response.setHeader("WWW-Authenticate", 'Basic realm="git"');
    return refuse(response, 401, "a token is needed");
  }
  const gitProtocol = header(request, "git-protocol");
  const transfer: TransferRequest = { repository, identity, gitProtocol, signal };
  if (route.kind === "info-refs") await infoRefs(options, route, transfer, response);
  else await post(options, route, transfer, request, response);
}

async function infoRefs(
  { backend, createOnPush }: HttpGatewayOptions,
  { service }: GitRoute,
  transfer: TransferRequest,
  response: ServerResponse,
): Promise<void> {
  if (service === "receive-pack" && createOnPush) {
    await createMissing(backend, transfer.repository, transfer.signal);
  }
  startAnswer(response, `application/x-git-${service}-advertisement`);
  for await (const chunk of backend.infoRefs(service, transfer)) {
    await writeTo(response, chunk, transfer.signal);
  }
  response.end();
}

async function post(
  { backend }: HttpGatewayOptions,
  { service }: GitRoute,
  transfer: TransferRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (header(request, "content-type") !== `application/x-git-${service}-request`) {
    return refuse(response, 415, "unsupported media type");
  }
  const body = { input: plainBody(request), output: response };
  startAnswer(response, `application/x-git-${service}-result`);
  if (service === "upload-pack") await backend.postUploadPack(transfer, body);
  else await backend.postReceivePack(transfer, body);
  response.end();
}

/** Sets what goes ahead of the first byte; a failure before that can still change it. */
function startAnswer(response: ServerResponse, contentType: string): void {
  response.setHeader("Content-Type", contentType);
  response.setHeader("Cache-Control", "no-cache, max-age=0, must-revalidate");
  response.setHeader("Expires", "Fri, 01 Jan 1980 00:00:00 GMT");
  response.setHeader("Pragma", "no-cache");
}

function plainBody(request: IncomingMessage): AsyncIterable<Uint8Array> {
  const encoding = header(request, "content-encoding");
  return encoding === "gzip" || encoding === "x-gzip" ? inflated(request) : request;
}

async function* inflated(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  const plain = createGunzip();
  request.on("error", (error) => plain.destroy(error));
  try {
    yield* request.pipe(plain) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw new DomainError("invalid-argument", "the request's body is no gzip", { cause });
  }
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name] ?? "";
  return Array.isArray(value) ? value.join(", ") : value;
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  // What the client is still sending is not read: the connection cannot serve another request.
  response.setHeader("Connection", "close");
  response.end(`${text}\n`);
}

function page(response: ServerResponse, html: string): void {
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end(html);
}
