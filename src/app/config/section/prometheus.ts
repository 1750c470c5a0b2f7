import { formatDuration } from "../../../base/text/duration-text.ts";
import { at, type Problem, type Reason, unlessAtLeast } from "../problem.ts";
import { decimals, duration, type Fields } from "../shape.ts";

/** `[prometheus]`: what the metrics look like. */
export interface PrometheusSettings {
  readonly scrapeTimeoutMs: number;
  /** Upper bounds in seconds of the latency histograms; empty to keep none. */
  readonly grpcLatencyBuckets: readonly number[];
}

export const PROMETHEUS_DEFAULTS: PrometheusSettings = {
  scrapeTimeoutMs: 10_000,
  grpcLatencyBuckets: [0.001, 0.005, 0.025, 0.1, 0.5, 1, 10, 30, 60, 300, 1500],
};

export const PROMETHEUS_FIELDS: Fields<PrometheusSettings> = {
  scrapeTimeoutMs: duration("scrape_timeout"),
  grpcLatencyBuckets: decimals("grpc_latency_buckets"),
};

export function checkPrometheus(settings: PrometheusSettings): readonly Problem[] {
  const { scrapeTimeoutMs, grpcLatencyBuckets } = settings;
  if (grpcLatencyBuckets.length === 0) return [];
  return [
    ...at("scrape_timeout", unlessAtLeast(scrapeTimeoutMs, 0, formatDuration)),
    ...at("grpc_latency_buckets", unlessAscending(grpcLatencyBuckets)),
  ];
}

function unlessAscending(bounds: readonly number[]): Reason {
  const ascends = bounds.every((bound, index) => bound >= (bounds[index - 1] ?? -Infinity));
  return ascends ? undefined : `bad order: expected asc: [${bounds.join(" ")}]`;
}
