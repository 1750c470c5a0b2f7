import { AdaptiveLimit } from "./adaptive-limit.ts";
import { ConcurrencyLimiter, type LimitMonitor } from "./concurrency-limiter.ts";

/** How many may run at once for one key, and how many may wait. */
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

/** Whether the settings limit anything. */
export function isLimiting({ adaptive, maxConcurrency, maxPerRepo }: LimitSettings): boolean {
  return adaptive || maxConcurrency > 0 || maxPerRepo > 0;
}

/** Makes the limiter that settings ask for. `name` is what metrics call its limit. */
export function configuredLimiter(
  name: string,
  settings: LimitSettings,
  monitor: LimitMonitor,
): { readonly limit: AdaptiveLimit; readonly limiter: ConcurrencyLimiter } {
  const limit = new AdaptiveLimit(name, adaptiveSettings(settings));
  const { maxQueueSize: queueSizeMax, maxQueueWaitMs: queueWaitMsMax } = settings;
  const limiter = new ConcurrencyLimiter({ limit, queueSizeMax, queueWaitMsMax, monitor });
  return { limit, limiter };
}

function adaptiveSettings(settings: LimitSettings): AdaptiveLimit["settings"] {
  const { adaptive, initialLimit: initial, maxLimit: max, minLimit: min } = settings;
  return adaptive ? { initial, max, min } : { initial: concurrencyOf(settings) };
}

function concurrencyOf({ maxConcurrency, maxPerRepo }: LimitSettings): number {
  return maxConcurrency > 0 ? maxConcurrency : maxPerRepo;
}
