import type { Logger } from "../log/logger.ts";
import type { MetricRegistry } from "../metric/metric-registry.ts";
import type { AdaptiveLimit } from "./adaptive-limit.ts";

/** How often limits move. */
const INTERVAL_MS = 30_000;
/** What remains of a limit when the machine is short of something. */
const BACKOFF_FACTOR = 0.5;

export interface CalibrationOptions {
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
  /** Names what the machine has been short of since the last time; undefined for nothing. */
  readonly findShortage?: () => string | undefined;
  /** Runs `work` again and again until what it returns is disposed of. */
  readonly repeat?: (work: () => void, intervalMs: number) => Disposable;
}

/**
 * Moves adaptive limits every half minute: one up, or down by half when the machine is short of
 * something. Ends when what it returns is disposed of.
 */
export function calibrateLimits(
  limits: readonly AdaptiveLimit[],
  { metrics, logger, findShortage, repeat = repeatOnTimer }: CalibrationOptions,
): Disposable {
  const adaptive = limits.filter(({ isAdaptive }) => isAdaptive);
  if (adaptive.length === 0) return { [Symbol.dispose]: () => undefined };
  const currents = metrics.gauge({
    name: "gitaly_concurrency_limiting_current_limit",
    help: "The current limit value of an adaptive concurrency limit",
    labels: ["limit"],
  });
  const backoffs = metrics.counter({
    name: "gitaly_concurrency_limiting_backoff_events_total",
    help: "Counter of the total number of backoff events",
    labels: ["watcher"],
  });
  const show = ({ name, current }: AdaptiveLimit): void =>
    currents.series({ limit: name }).set(current);
  adaptive.forEach(show);
  return repeat(() => {
    const shortage = findShortage?.();
    if (shortage !== undefined) backoffs.inc({ watcher: shortage });
    for (const limit of adaptive) {
      move(limit, shortage, logger);
      show(limit);
    }
  }, INTERVAL_MS);
}

function move(limit: AdaptiveLimit, shortage: string | undefined, logger: Logger): void {
  const { name, current: previous } = limit;
  limit.update(shortage === undefined ? previous + 1 : Math.floor(previous * BACKOFF_FACTOR));
  const fields = { limit_rpc: name, previous_limit: previous, new_limit: limit.current };
  if (shortage === undefined) logger.debug("Additive increase", fields);
  else logger.info("Multiplicative decrease", { ...fields, condition: shortage });
}

function repeatOnTimer(work: () => void, intervalMs: number): Disposable {
  const timer = setInterval(work, intervalMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
