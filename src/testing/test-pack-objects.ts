import { MetricRegistry } from "../base/metric/metric-registry.ts";
import type { GitRunner } from "../gitcmd/git-runner.ts";
import { type PackLimitSettings, PackLimits } from "../services/common/pack-objects/pack-limits.ts";
import { PackObjects } from "../services/common/pack-objects/pack-objects.ts";
import type { StreamCache } from "../storage/stream-cache/stream-cache.ts";

const UNLIMITED = {
  maxConcurrency: 0,
  maxPerRepo: 0,
  maxQueueSize: 0,
  maxQueueWaitMs: 0,
  adaptive: false,
  initialLimit: 0,
  maxLimit: 0,
  minLimit: 0,
};

export interface TestPackObjectsOptions {
  readonly cache?: StreamCache;
  readonly limits?: Partial<PackLimitSettings>;
  readonly metrics?: MetricRegistry;
}

/** What makes packs, without limits and a cache unless there are some. */
export function testPackObjects(git: GitRunner, options: TestPackObjectsOptions = {}): PackObjects {
  const { cache, metrics = new MetricRegistry() } = options;
  const settings = { ...UNLIMITED, unauthenticated: UNLIMITED, ...options.limits };
  const limits = new PackLimits({ settings, metrics, latencyBuckets: [1] });
  return new PackObjects({ git, limits, cache, metrics });
}
