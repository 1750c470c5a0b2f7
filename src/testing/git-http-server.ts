import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import type { TestContext } from "node:test";
import { findTestGit } from "./git-repository.ts";

/** A server of git's own smart HTTP protocol, as anybody might run one. */
export interface GitHttpServer {
  /** Of the repository. */
  readonly url: string;
  readonly port: number;
  /** Method, path and authorization of what was asked. */
  readonly asked: { method: string; url: string; authorization: string | undefined }[];
}

/** Looks at a request first; with `true` it has been answered. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves the folder that a repository is in, until the test ends. Pushes are taken. */
export async function startGitHttpServer(
  t: TestContext,
  repositoryPath: string,
  intercept: Intercept = () => false,
): Promise<GitHttpServer> {
  const asked: GitHttpServer["asked"] = [];
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    asked.push({ method, url, authorization: headers.authorization });
    if (intercept(request, response)) return;
    serve(dirname(repositoryPath), request, response).catch(() => response.destroy());
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/${basename(repositoryPath)}`, port, asked };
}

/** Refuses whoever doesn't bring this name and password. */
export function requireBasicAuth(user: string, password: string): Intercept {
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  return (request, response) => {
    if (request.headers.authorization === expected) return false;
    response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
    return true;
  };
}

/** Runs `git http-backend`, a CGI program. */
async function serve(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const backend = spawn(findTestGit(), ["-c", "http.receivepack=true", "http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      REQUEST_METHOD: request.method,
      PATH_INFO: path,
      QUERY_STRING: query,
      REMOTE_USER: "tester",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  backend.stdin.on("error", () => undefined);
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  for await (const chunk of backend.stdout as AsyncIterable<Buffer>) chunks.push(chunk);
  const output = Buffer.concat(chunks);
  const end = output.indexOf("\r\n\r\n");
  const headers = output.toString("latin1", 0, end).split("\r\n");
  for (const line of headers) {
    const [name = "", value = ""] = line.split(": ");
    if (name === "Status") response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  await pipeline([output.subarray(end + 4)], response);
}
