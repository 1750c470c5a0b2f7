import { type Logger, silentLogger } from "../../base/log/logger.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { clientCertificate } from "../../gitlab/client-certificate.ts";
import type { ApiInfo, InternalApi } from "../../gitlab/internal-api.ts";
import { type AccessCheck, openAccess } from "../../hooks/access/access-check.ts";
import type { Config } from "../config/config.ts";
import { programVersion } from "../program-version.ts";

/** Who decides about pushes, and has connections that want to be closed. */
export type OpenedAccess = AccessCheck &
  Partial<AsyncDisposable> &
  Partial<Pick<InternalApi, "poolUpstreams">>;

export interface AccessOptions {
  readonly logger: Logger;
  readonly metrics?: MetricRegistry | undefined;
}

/**
 * GitLab, when the configuration says where it is; otherwise everybody may push.
 *
 * Reads the secret and certificates. Rejects with an ApiError when they can't be used.
 */
export async function openAccessCheck(
  config: Config,
  options: AccessOptions,
): Promise<OpenedAccess> {
  return config.gitlab.url === "" ? openAccess : openInternalApi(config, options);
}

/** Asks GitLab how it is, for `gitaly check`. Rejects with an error that says why it can't be asked. */
export async function checkInternalApi(config: Config, signal: AbortSignal): Promise<ApiInfo> {
  await using api = await openInternalApi(config, { logger: silentLogger });
  return await api.check({ correlationId: "", remoteIp: "", signal });
}

async function openInternalApi(
  config: Config,
  { logger, metrics }: AccessOptions,
): Promise<InternalApi> {
  // A server that stands alone does without some 45 MB of what the client needs.
  const { InternalApi } = await import("../../gitlab/internal-api.ts");
  const latency = metrics?.histogram({
    name: "gitaly_gitlab_api_latency_seconds",
    help: "Latency between posting to GitLab's `/internal/` APIs and receiving a response",
    labels: ["endpoint"],
    buckets: config.prometheus.grpcLatencyBuckets,
  });
  return new InternalApi({
    settings: config.gitlab,
    certificate: clientCertificate(config.tls),
    userAgent: `gitaly/${programVersion()}`,
    logger: logger.with({ component: "gitlab_http_client" }),
    observeLatency: (endpoint, seconds) => latency?.observe({ endpoint }, seconds),
  });
}
