import type { LimitMonitor } from "../../../base/limit/concurrency-limiter.ts";
import { createLimitMonitor } from "../../../base/limit/create-limit-monitor.ts";
import type { Counter } from "../../../base/metric/counter.ts";
import type { Gauge } from "../../../base/metric/gauge.ts";
import type { Histogram } from "../../../base/metric/histogram.ts";
import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";

const METHOD_LABELS = ["system", "grpc_service", "grpc_method"] as const;
type MethodLabel = (typeof METHOD_LABELS)[number];

/** The metrics that all limited RPCs share. */
export interface RpcMonitorMetrics {
  readonly queued: Gauge<MethodLabel>;
  readonly running: Gauge<MethodLabel>;
  readonly waitedSeconds: Histogram<MethodLabel>;
  readonly dropped: Counter<MethodLabel | "reason" | "authenticated">;
}

export function rpcMonitorMetrics(
  metrics: MetricRegistry,
  buckets: readonly number[],
): RpcMonitorMetrics {
  const labels = METHOD_LABELS;
  return {
    queued: metrics.gauge({
      name: "gitaly_concurrency_limiting_queued",
      help: "Gauge of number of queued calls",
      labels,
    }),
    running: metrics.gauge({
      name: "gitaly_concurrency_limiting_in_progress",
      help: "Gauge of number of concurrent in-progress calls",
      labels,
    }),
    waitedSeconds: metrics.histogram({
      name: "gitaly_concurrency_limiting_acquiring_seconds",
      help: "Histogram of time calls are rate limited (in seconds)",
      labels,
      buckets,
    }),
    dropped: metrics.counter({
      name: "gitaly_requests_dropped_total",
      help: "Number of requests dropped from the queue",
      labels: [...METHOD_LABELS, "reason", "authenticated"],
    }),
  };
}

/** Shows what happens in the limiter of an RPC in metrics and in the log lines of its calls. */
export function createRpcMonitor(
  rpc: string,
  isAuthenticated: boolean,
  metrics: RpcMonitorMetrics,
): LimitMonitor {
  const [service = "", method = ""] = rpc.replace(/^\//, "").split("/");
  const labels = { system: "gitaly", grpc_service: service, grpc_method: method };
  const [queued, running] = [metrics.queued.series(labels), metrics.running.series(labels)];
  const waitedSeconds = metrics.waitedSeconds.series(labels);
  const authenticated = String(isAuthenticated);
  return createLimitMonitor({
    type: "per-rpc",
    queued,
    running,
    waitedSeconds,
    authenticated: isAuthenticated,
    dropped: (reason) => metrics.dropped.inc({ ...labels, reason, authenticated }),
  });
}
