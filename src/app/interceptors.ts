import type { Logger } from "../base/log/logger.ts";
import type { MetricRegistry } from "../base/metric/metric-registry.ts";
import type { ServiceRegistration } from "../rpc/handler.ts";
import { authenticate } from "../rpc/interceptor/authentication/authentication.ts";
import { correlate } from "../rpc/interceptor/correlation/correlation.ts";
import { replaceAborted } from "../rpc/interceptor/error/replace-aborted.ts";
import type { Interceptor } from "../rpc/interceptor/interceptor.ts";
import { limitConcurrency } from "../rpc/interceptor/limit/limit-concurrency.ts";
import type { RpcLimits } from "../rpc/interceptor/limit/rpc-limits.ts";
import { callFilter, logCalls } from "../rpc/interceptor/log/call-log.ts";
import { rpcMetrics } from "../rpc/interceptor/metrics/rpc-metrics.ts";
import { MethodCatalog } from "../rpc/interceptor/request-info/method-catalog.ts";
import { requestInfo } from "../rpc/interceptor/request-info/request-info.ts";
import type { RepositoryLeases } from "../storage/disk-cache/repository-leases.ts";
import type { Config } from "./config/config.ts";
import type { HousekeepingSchedule } from "./maintenance/housekeeping-schedule.ts";
import { invalidateCaches } from "./maintenance/invalidate-caches.ts";
import { scheduleHousekeeping } from "./maintenance/schedule-housekeeping.ts";

export interface InterceptorOptions {
  readonly config: Pick<Config, "auth" | "prometheus">;
  readonly services: readonly ServiceRegistration[];
  readonly limits: RpcLimits;
  /** Undefined when nobody tidies repositories. */
  readonly schedule?: HousekeepingSchedule;
  /** Undefined when nobody else keeps anything of the storages. */
  readonly leases?: RepositoryLeases;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The functions around every call, the outermost first.
 *
 * The order matters: the id before everything that writes it down, the log around the checks so
 * that refused calls are in it.
 */
export function buildInterceptors(options: InterceptorOptions): readonly Interceptor[] {
  const { config, services, limits, schedule, leases, metrics, logger, environment } = options;
  const { resolvedToken: token, transitioning } = config.auth;
  const catalog = new MethodCatalog();
  const filter = callFilter(
    environment["GITALY_LOG_REQUEST_METHOD_ALLOW_PATTERN"] ?? "",
    environment["GITALY_LOG_REQUEST_METHOD_DENY_PATTERN"] ?? "",
  );
  return [
    correlate(),
    requestInfo(catalog, metrics),
    rpcMetrics({
      catalog,
      metrics,
      latencyBuckets: config.prometheus.grpcLatencyBuckets,
      methods: services.flatMap(({ service }) => service.methods),
    }),
    logCalls(logger, filter),
    replaceAborted,
    authenticate({ token, transitioning, metrics }),
    limitConcurrency(limits, catalog),
    ...(leases === undefined ? [] : [invalidateCaches({ leases, catalog, metrics, logger })]),
    ...(schedule === undefined ? [] : [scheduleHousekeeping(schedule, catalog)]),
  ];
}
