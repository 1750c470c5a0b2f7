import { AdaptiveLimit } from "../../../base/limit/adaptive-limit.ts";
import { ConcurrencyLimiter } from "../../../base/limit/concurrency-limiter.ts";
import type { MetricRegistry } from "../../../base/metric/metric-registry.ts";
import { createRpcMonitor, type RpcMonitorMetrics, rpcMonitorMetrics } from "./rpc-monitor.ts";

/** How many calls may run at once for one repository, and how many may wait. */
export interface LimitSettings {
  /** 0 for no limit. */
  readonly maxConcurrency: number;
  /** The older name of `maxConcurrency`. */
  readonly maxPerRepo: number;
  readonly maxQueueSize: number;
  /** 0 to wait without a limit. */
  readonly maxQueueWaitMs: number;
  /** The limit starts at `initialLimit` and moves between `minLimit` and `maxLimit`. */
  readonly adaptive: boolean;
  readonly initialLimit: number;
  readonly maxLimit: number;
  readonly minLimit: number;
}

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
        const limit = new AdaptiveLimit(name, adaptiveSettings(own));
        limits.push(limit);
        return limiter({ rpc, limit, settings: own, isAuthenticated, monitorMetrics });
      };
      this.#limiters.set(rpc, {
        all: make(`perRPC${rpc}`, settings, true),
        unauthenticated: isSet(unauthenticated)
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
    const limit = new AdaptiveLimit("staticLimit", { initial: 1 });
    const settings = { maxQueueSize: 0, maxQueueWaitMs: 0 };
    const rpc = REPLICATE_REPOSITORY;
    const all = limiter({ rpc, limit, settings, isAuthenticated: true, monitorMetrics });
    this.#limiters.set(rpc, { all, unauthenticated: undefined });
  }
}

interface Parts {
  readonly rpc: string;
  readonly limit: AdaptiveLimit;
  readonly settings: Pick<LimitSettings, "maxQueueSize" | "maxQueueWaitMs">;
  readonly isAuthenticated: boolean;
  readonly monitorMetrics: RpcMonitorMetrics;
}

function limiter({ rpc, limit, settings, isAuthenticated, monitorMetrics }: Parts) {
  return new ConcurrencyLimiter({
    limit,
    queueSizeMax: settings.maxQueueSize,
    queueWaitMsMax: settings.maxQueueWaitMs,
    monitor: createRpcMonitor(rpc, isAuthenticated, monitorMetrics),
  });
}

function adaptiveSettings(settings: LimitSettings): AdaptiveLimit["settings"] {
  const { adaptive, initialLimit: initial, maxLimit: max, minLimit: min } = settings;
  return adaptive ? { initial, max, min } : { initial: concurrencyOf(settings) };
}

function concurrencyOf({ maxConcurrency, maxPerRepo }: LimitSettings): number {
  return maxConcurrency > 0 ? maxConcurrency : maxPerRepo;
}

function isSet({ adaptive, maxConcurrency, maxPerRepo }: LimitSettings): boolean {
  return adaptive || maxConcurrency > 0 || maxPerRepo > 0;
}
