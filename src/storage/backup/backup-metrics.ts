import type { Histogram } from "../../base/metric/histogram.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";

/** Upper bounds in seconds, as Prometheus has them where nobody chooses any. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const SIZE_MAX = 10 * 2 ** 30;
const SIZE_BUCKET_COUNT = 20;

/** How long parts of backups take to be made, and how large they are. */
export class BackupMetrics {
  readonly #latency: Histogram<"phase">;
  readonly #bundleBytes: Histogram<never>;

  constructor(metrics: MetricRegistry) {
    this.#latency = metrics.histogram({
      name: "gitaly_backup_latency_seconds",
      help: "Latency of a repository backup by phase",
      labels: ["phase"],
      buckets: LATENCY_BUCKETS,
    });
    const factor = SIZE_MAX ** (1 / (SIZE_BUCKET_COUNT - 1));
    this.#bundleBytes = metrics.histogram({
      name: "gitaly_backup_bundle_bytes",
      help: "Size of a Git bundle uploaded in a backup",
      buckets: Array.from({ length: SIZE_BUCKET_COUNT }, (_, index) => factor ** index),
    });
  }

  /** Notes how long a phase takes, be it with success or not. */
  async time<Result>(
    phase: "refs" | "bundle" | "custom_hooks",
    step: () => Promise<Result>,
  ): Promise<Result> {
    const beganMs = performance.now();
    try {
      return await step();
    } finally {
      this.#latency.observe({ phase }, (performance.now() - beganMs) / 1000);
    }
  }

  observeBundle(bytes: number): void {
    this.#bundleBytes.observe({}, bytes);
  }
}
