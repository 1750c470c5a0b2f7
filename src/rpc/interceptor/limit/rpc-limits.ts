import { AdaptiveLimit } from "../../../base/limit/adaptive-limit.ts";
import { ConcurrencyLimiter } from "../../../base/limit/concurrency-limiter.ts";
import {
  configuredLimiter,
  isLimiting,
  type LimitSettings,
} from "../../../base/limit/limit-settings.ts";
import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { createRpcMonitor, type RpcMonitorMetrics, rpcMonitorMetrics } from "./rpc-monitor.ts";

/** The limits of one RPC, and those of callers whom nobody has identified. */
export interface RpcLimitSettings extends LimitSettings {
  /** `/gitaly.RefService/RefExists` */
  readonly rpc: string;
  readonly unauthenticated: LimitSettings;
}

export interface RpcLimitOptions {
  readonly concurrency: readonly RpcLimitSettings[];
  readonly metrics: MetricRegistry;
  /** Bounds of the histogram of waiting times, in seconds. */
  readonly latencyBuckets: readonly number[];
}

interface Limiters {
  readonly all: ConcurrencyLimiter;
  /** Takes the place of `all` for callers whom nobody has identified. */
  readonly unauthenticated: ConcurrencyLimiter | undefined;
}

/** Only one call for each repository, whatever the configuration says nothing about. */
const REPLICATE_REPOSITORY = "/gitaly.RepositoryService/ReplicateRepository";

/** The limits of all RPCs that have some; an RPC that is named twice has the last ones. */
export class RpcLimits {
  readonly limits: readonly AdaptiveLimit[];
  readonly #limiters = new Map<string, Limiters>();

  constructor({ concurrency, metrics, latencyBuckets }: RpcLimitOptions) {
    const monitorMetrics = rpcMonitorMetrics(metrics, latencyBuckets);
    const limits: AdaptiveLimit[] = [];
    for (const settings of concurrency) {
      const { rpc, unauthenticated } = settings;
      const make = (name: string, own: LimitSettings, isAuthenticated: boolean) => {
        const monitor = createRpcMonitor(rpc, isAuthenticated, monitorMetrics);
        const { limit, limiter } = configuredLimiter(name, own, monitor);
        limits.push(limit);
        return limiter;
      };
      this.#limiters.set(rpc, {
        all: make(`perRPC${rpc}`, settings, true),
        unauthenticated: isLimiting(unauthenticated)
          ? make(`perRPC${rpc}-unauthenticated`, unauthenticated, false)
          : undefined,
      });
    }
    this.limits = limits;
    if (!this.#limiters.has(REPLICATE_REPOSITORY)) this.#limitReplication(monitorMetrics);
  }

  /** The limiter of an RPC for a caller, if there is one. */
  find(fullMethod: string, isAuthenticated: boolean): ConcurrencyLimiter | undefined {
    const limiters = this.#limiters.get(fullMethod);
    if (limiters === undefined) return undefined;
    return isAuthenticated ? limiters.all : (limiters.unauthenticated ?? limiters.all);
  }

  #limitReplication(monitorMetrics: RpcMonitorMetrics): void {
    const all = new ConcurrencyLimiter({
      limit: new AdaptiveLimit("staticLimit", { initial: 1 }),
      queueSizeMax: 0,
      queueWaitMsMax: 0,
      monitor: createRpcMonitor(REPLICATE_REPOSITORY, true, monitorMetrics),
    });
    this.#limiters.set(REPLICATE_REPOSITORY, { all, unauthenticated: undefined });
  }
}
