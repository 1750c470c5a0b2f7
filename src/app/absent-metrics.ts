import type { MetricRegistry } from "../base/metric/metric-registry.ts";

/** What Gitaly counts of mechanisms that this server does without. */
const ABSENT = {
  gauges: [
    ["gitaly_burdenmonitor_active_rpcs", "Calls that are watched for the load they cause: none."],
    ["gitaly_catfile_processes", "Processes kept for reading objects: none."],
  ],
  counters: [
    ["gitaly_catfile_processes_total", "Processes started for reading objects: none."],
    ["gitaly_streamcache_sendfile_bytes_total", "Bytes that the kernel copied by itself: none."],
  ],
} as const;

/** Defines them with 0, so that dashboards and alerts made for Gitaly find what they ask for. */
export function defineAbsentMetrics(registry: MetricRegistry): void {
  for (const [name, help] of ABSENT.gauges) registry.gauge({ name, help });
  for (const [name, help] of ABSENT.counters) registry.counter({ name, help });
}
