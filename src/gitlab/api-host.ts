import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext, getCACertificates, rootCertificates } from "node:tls";
import { Agent, type Dispatcher } from "undici";
import { isMissing, systemErrorText } from "../base/error/system-error-text.ts";
import { quoteText } from "../base/text/quote-text.ts";
import { ApiError } from "./api-error.ts";
import type { ApiSettings, ClientCertificate } from "./api-settings.ts";

/** Where requests go and over which connections. */
export interface ApiHost {
  /** What the path of a request is appended to. */
  readonly baseUrl: string;
  readonly dispatcher: Dispatcher;
}

const UNIX = "http+unix://";

/**
 * How long a connection waits for the next question. The questions of one change follow at once;
 * one that GitLab closes while it is idle for long would fail somebody's push.
 */
const KEEP_ALIVE_MS = 1000;
const KEEP_ALIVE = { keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS };

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Prepares connections to GitLab. Throws an ApiError when the settings can't be used. */
export function openApiHost(
  { url: escapedUrl, relativeUrlRoot, http }: ApiSettings,
  certificate: ClientCertificate | undefined,
): ApiHost {
  const url = unescapeUrl(escapedUrl);
  if (url.startsWith(UNIX)) {
    const root = relativeUrlRoot.replace(/^\/+|\/+$/g, "");
    return {
      baseUrl: root === "" ? "http://unix" : `http://unix/${root}`,
      dispatcher: new Agent({ ...KEEP_ALIVE, connect: { socketPath: url.slice(UNIX.length) } }),
    };
  }
  if (url.startsWith("http://")) return { baseUrl: url, dispatcher: new Agent(KEEP_ALIVE) };
  if (!url.startsWith("https://")) throw failed("unknown GitLab URL prefix");
  const secureContext = createSecureContext({
    ca: trustedCertificates(http),
    minVersion: "TLSv1.2",
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
  });
  return { baseUrl: url, dispatcher: new Agent({ ...KEEP_ALIVE, connect: { secureContext } }) };
}

function unescapeUrl(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch (cause) {
    throw new ApiError(`invalid URL escape in ${quoteText(url)}`, cause);
  }
}

function trustedCertificates({ caFile, caPath }: ApiSettings["http"]): string[] {
  checkCaFile(caFile);
  const system = getCACertificates("system");
  return [
    ...(system.length > 0 ? system : rootCertificates),
    ...(caFile === "" ? [] : certificatesIn(caFile)),
    ...(caPath === "" ? [] : filesIn(caPath).flatMap(certificatesIn)),
  ];
}

function checkCaFile(path: string): void {
  if (path === "") return;
  try {
    statSync(path);
  } catch (cause) {
    const reason = isMissing(cause)
      ? `cannot find cafile ${quoteText(path)}: cafile not found`
      : systemErrorText(cause);
    throw failed(reason, cause);
  }
}

/** What can't be read is no certificate; GitLab's own then isn't trusted, which says enough. */
function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .sort()
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function certificatesIn(path: string): string[] {
  try {
    return (readFileSync(path, "latin1").match(PEM) ?? []).filter(isCertificate);
  } catch {
    return [];
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function failed(reason: string, cause?: unknown): ApiError {
  return new ApiError(`building new HTTP client for GitLab API: ${reason}`, cause);
}
