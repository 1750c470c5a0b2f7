import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { TestContext } from "node:test";
import type { TestCertificate } from "./self-signed-certificate.ts";

/** A request as GitLab receives it. */
export interface GitlabRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** What the body says as JSON; undefined without one. */
  readonly body: unknown;
}

/** What GitLab answers: by default nothing, as JSON, with status 200. */
export interface GitlabAnswer {
  readonly status?: number;
  readonly contentType?: string;
  readonly body?: string;
}

export type AnswerGitlab = (request: GitlabRequest) => GitlabAnswer | Promise<GitlabAnswer>;

/** A stand-in for GitLab's internal API that notes what it is asked. */
export interface TestGitlab {
  readonly received: readonly GitlabRequest[];
  /** Address and port; empty for a socket. */
  readonly host: string;
}

export interface TestGitlabOptions {
  /** Listens on this unix socket instead of a port. */
  readonly socketPath?: string;
  /** Speaks TLS. */
  readonly certificate?: TestCertificate;
}

/** Starts a stand-in for GitLab that ends when the test does. */
export async function startTestGitlab(
  t: TestContext,
  answer: GitlabAnswer | AnswerGitlab,
  { socketPath, certificate }: TestGitlabOptions = {},
): Promise<TestGitlab> {
  const received: GitlabRequest[] = [];
  const answers = typeof answer === "function" ? answer : () => answer;
  const listener = listenerFor(received, answers);
  const server =
    certificate === undefined
      ? createServer(listener)
      : createTlsServer({ cert: certificate.certificate, key: certificate.key }, listener);
  return { received, host: await listenForTest(t, server, socketPath) };
}

/** Listens on a free port of this machine, or on a socket, until the test ends. */
export async function listenForTest(
  t: TestContext,
  server: Server,
  socketPath?: string,
): Promise<string> {
  await new Promise<void>((resolve) => {
    if (socketPath === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(socketPath, resolve);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
}

function listenerFor(received: GitlabRequest[], answers: AnswerGitlab): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const { method, url, headers } = request;
      const noted = { method, url, headers, body: text === "" ? undefined : JSON.parse(text) };
      received.push(noted);
      reply(response, answers(noted)).catch((error: Error) => response.destroy(error));
    });
  };
}

async function reply(
  response: ServerResponse,
  answer: GitlabAnswer | Promise<GitlabAnswer>,
): Promise<void> {
  const { status = 200, contentType = "application/json", body = "" } = await answer;
  response.statusCode = status;
  if (contentType !== "") response.setHeader("Content-Type", contentType);
  response.end(body);
}
