import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { type Dispatcher, request } from "undici";
import { systemErrorText } from "../base/error/system-error-text.ts";
import type { Logger } from "../base/log/logger.ts";
import type { AccessCaller } from "../hooks/access/access-check.ts";
import { ApiError } from "./api-error.ts";
import { type ApiHost, openApiHost } from "./api-host.ts";
import { type ApiReply, checkStatus, readReply } from "./api-reply.ts";
import type { ApiSettings, ClientCertificate } from "./api-settings.ts";
import { ApiTokens } from "./api-token.ts";

/** Limit for a whole request when the settings name none. */
const READ_TIMEOUT_SECONDS = 300;

/** The longest time that a timer takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;

const API_PATH = "/api/v4/internal";

export interface ApiRequestsOptions {
  readonly settings: ApiSettings;
  /** Shown to GitLab over HTTPS. */
  readonly certificate?: ClientCertificate | undefined;
  /** What GitLab's log shall call us: `gitaly/VERSION`. */
  readonly userAgent: string;
  readonly logger: Logger;
  /** Told how long each request took, by its metric. */
  readonly observeLatency?: ((metric: ApiMetric, seconds: number) => void) | undefined;
}

/** What requests are counted as: labels of `gitaly_gitlab_api_latency_seconds`. */
export type ApiMetric = "allowed" | "pre-receive" | "post-receive" | "check";

interface ApiRequest {
  /** Path below the API's own, with a slash. */
  readonly endpoint: string;
  /** Left out, nobody is told how long it took. */
  readonly metric?: ApiMetric;
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/** A reply whose body is still to be read. */
export interface OpenedReply {
  readonly status: number;
  readonly body: AsyncIterable<Buffer>;
}

/** Sends requests to GitLab's internal API, and sees to it that they look as GitLab expects. */
export class ApiRequests {
  readonly #host: ApiHost;
  readonly #tokens: ApiTokens;
  readonly #options: ApiRequestsOptions;

  constructor(options: ApiRequestsOptions) {
    this.#host = openApiHost(options.settings, options.certificate);
    this.#tokens = new ApiTokens(readSecret(options.settings));
    this.#options = options;
  }

  get(question: ApiRequest, caller: AccessCaller): Promise<ApiReply> {
    return this.#ask("GET", question, caller);
  }

  post(question: ApiRequest, caller: AccessCaller): Promise<ApiReply> {
    return this.#ask("POST", question, caller);
  }

  /**
   * As `get`, but leaves the body of what is no error to be read, however long it is. Who doesn't want
   * it aborts the caller's signal.
   */
  async open(question: ApiRequest, caller: AccessCaller): Promise<OpenedReply> {
    const url = this.#host.baseUrl + API_PATH + question.endpoint;
    const response = await this.#send("GET", url, question, caller).catch((error: unknown) => {
      caller.signal.throwIfAborted();
      throw new ApiError("Internal API unreachable", error);
    });
    const { statusCode: status, body } = response;
    if (status < 200 || status > 399) checkStatus(await readReply(response));
    return { status, body };
  }

  close(): Promise<void> {
    return this.#host.dispatcher.close();
  }

  async #ask(
    method: "GET" | "POST",
    question: ApiRequest,
    caller: AccessCaller,
  ): Promise<ApiReply> {
    const startedAt = performance.now();
    const url = this.#host.baseUrl + API_PATH + question.endpoint;
    const fields = (): Record<string, unknown> => ({
      method,
      url,
      duration_ms: Math.trunc(performance.now() - startedAt),
      correlation_id: caller.correlationId,
    });
    const logger = this.#options.logger;
    try {
      const reply = await this.#send(method, url, question, caller)
        .then(readReply)
        .catch((error: unknown) => {
          caller.signal.throwIfAborted();
          logger.error("Internal API unreachable", { ...fields(), error: String(error) });
          throw new ApiError("Internal API unreachable", error);
        });
      const replyFields = { ...fields(), status: reply.status };
      try {
        checkStatus(reply);
      } catch (error) {
        logger.error("Internal API error", { ...replyFields, error: String(error) });
        throw error;
      }
      const size = { content_length_bytes: reply.body.length };
      logger.info("Finished HTTP request", { ...replyFields, ...size });
      return reply;
    } finally {
      const seconds = (performance.now() - startedAt) / 1000;
      if (question.metric) this.#options.observeLatency?.(question.metric, seconds);
    }
  }

  async #send(
    method: "GET" | "POST",
    url: string,
    { body }: ApiRequest,
    caller: AccessCaller,
  ): Promise<Dispatcher.ResponseData> {
    const { readTimeoutSeconds } = this.#options.settings.http;
    const timeoutMs = Math.min(1000 * (readTimeoutSeconds || READ_TIMEOUT_SECONDS), TIMER_MS_MAX);
    return request(url, {
      method,
      dispatcher: this.#host.dispatcher,
      headers: await this.#headers(caller),
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.any([caller.signal, AbortSignal.timeout(timeoutMs)]),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  }

  async #headers({ correlationId, remoteIp }: AccessCaller): Promise<Record<string, string>> {
    const { user, password } = this.#options.settings.http;
    const credentials = Buffer.from(`${user}:${password}`).toString("base64");
    return {
      ...(user !== "" && password !== "" && { authorization: `Basic ${credentials}` }),
      ...(remoteIp !== "" && { "x-forwarded-for": remoteIp }),
      "content-type": "application/json",
      "gitlab-shell-api-request": await this.#tokens.create(),
      "user-agent": this.#options.userAgent,
      "x-request-id": correlationId,
    };
  }
}

function readSecret({ secret, secretFile }: ApiSettings): string {
  if (secret !== "") return secret;
  try {
    return readFileSync(secretFile, "utf8");
  } catch (cause) {
    throw new ApiError(`reading secret file: ${systemErrorText(cause)}`, cause);
  }
}
