import type { AdaptiveLimit } from "../../../base/limit/adaptive-limit.ts";
import {
  type ConcurrencyLimiter,
  LimitReachedError,
} from "../../../base/limit/concurrency-limiter.ts";
import { createLimitMonitor } from "../../../base/limit/create-limit-monitor.ts";
import {
  configuredLimiter,
  isLimiting,
  type LimitSettings,
} from "../../../base/limit/limit-settings.ts";
import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import type { Call } from "../../../rpc/call.ts";
import { isIdentified, limitRefusal } from "../../../rpc/interceptor/limit/limit-refusal.ts";
import { limitingKey } from "./limiting-key.ts";

/** `[pack_objects_limiting]` */
export interface PackLimitSettings extends LimitSettings {
  /** Takes the place of the rest for callers whom nobody has identified. */
  readonly unauthenticated: LimitSettings;
}

export interface PackLimitOptions {
  readonly settings: PackLimitSettings;
  readonly metrics: MetricRegistry;
  /** Bounds of the histogram of waiting times, in seconds. */
  readonly latencyBuckets: readonly number[];
}

/** Lets only so many packs be made at once for one address. */
export class PackLimits {
  readonly limits: readonly AdaptiveLimit[];
  readonly #all: ConcurrencyLimiter;
  readonly #unauthenticated: ConcurrencyLimiter | undefined;

  constructor({ settings, metrics, latencyBuckets }: PackLimitOptions) {
    const meters = limitMeters(metrics, latencyBuckets);
    const monitor = (auth: string) => createLimitMonitor(meters(auth));
    const all = configuredLimiter("packObjects", settings, monitor("authenticated"));
    this.#all = all.limiter;
    this.limits = [all.limit];
    if (!isLimiting(settings.unauthenticated)) return;
    const name = "packObjects-unauthenticated";
    const other = configuredLimiter(name, settings.unauthenticated, monitor("unauthenticated"));
    this.#unauthenticated = other.limiter;
    this.limits = [all.limit, other.limit];
  }

  /**
   * Waits until a pack may be made for `remoteIp`, which may be no address at all. Returns what
   * tells that it has been made. Rejects with `resource-exhausted` and a LimitError.
   */
  async enter(
    remoteIp: string,
    call: Pick<Call, "metadata" | "logFields">,
    signal: AbortSignal,
  ): Promise<() => void> {
    const key = limitingKey(remoteIp);
    if (key === undefined) return () => undefined;
    const limiter = isIdentified(call) ? this.#all : (this.#unauthenticated ?? this.#all);
    try {
      return await limiter.enter(key, { signal, fields: call.logFields });
    } catch (error) {
      throw error instanceof LimitReachedError ? limitRefusal(error) : error;
    }
  }
}

function limitMeters(metrics: MetricRegistry, buckets: readonly number[]) {
  const labels = ["auth"] as const;
  const queued = metrics.gauge({
    name: "gitaly_pack_objects_queued",
    help: "Gauge of number of queued calls",
    labels,
  });
  const running = metrics.gauge({
    name: "gitaly_pack_objects_in_progress",
    help: "Gauge of number of concurrent in-progress calls",
    labels,
  });
  const waitedSeconds = metrics.histogram({
    name: "gitaly_pack_objects_acquiring_seconds",
    help: "Histogram of time calls are rate limited (in seconds)",
    labels,
    buckets,
  });
  const dropped = metrics.counter({
    name: "gitaly_pack_objects_dropped_total",
    help: "Number of requests dropped from the queue",
    labels: ["auth", "reason"],
  });
  return (auth: string) => ({
    type: "pack-objects" as const,
    queued: queued.series({ auth }),
    running: running.series({ auth }),
    waitedSeconds: waitedSeconds.series({ auth }),
    dropped: (reason: string) => dropped.inc({ auth, reason }),
  });
}
