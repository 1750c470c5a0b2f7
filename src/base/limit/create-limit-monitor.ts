import type { GaugeSeries } from "../metric/gauge.ts";
import type { HistogramSeries } from "../metric/histogram.ts";
import type { DropReason, LimitFields, LimitMonitor } from "./concurrency-limiter.ts";

/** Where a limiter's numbers go. */
export interface LimitMeters {
  /** What log lines call the limiter. */
  readonly type: "per-rpc" | "pack-objects";
  readonly queued: GaugeSeries;
  readonly running: GaugeSeries;
  readonly waitedSeconds: HistogramSeries;
  readonly dropped: (reason: DropReason) => void;
  /** For the log lines of those who weren't let in. */
  readonly authenticated?: boolean;
}

/** Shows what happens in a limiter in metrics and in the log lines of calls. */
export function createLimitMonitor(meters: LimitMeters): LimitMonitor {
  const { type, queued, running, waitedSeconds, authenticated } = meters;
  const addQueue = (fields: LimitFields, key: string, queueLength: number): void => {
    fields["limit.limiting_type"] = type;
    fields["limit.limiting_key"] = key;
    fields["limit.concurrency_queue_length"] = queueLength;
  };
  return {
    queued: (fields, key, queueLength) => {
      addQueue(fields, key, queueLength);
      queued.inc();
    },
    dequeued: () => queued.dec(),
    entered: (fields, runningCount, waitedMs) => {
      running.inc();
      waitedSeconds.observe(waitedMs / 1000);
      fields["limit.concurrency_queue_ms"] = Math.floor(waitedMs);
      fields["limit.concurrency_in_progress"] = runningCount;
    },
    left: () => running.dec(),
    dropped: (fields, { key, queueLength, runningCount, waitedMs, reason }) => {
      addQueue(fields, key, queueLength);
      fields["limit.concurrency_in_progress"] = runningCount;
      fields["limit.concurrency_dropped"] = reason;
      fields["limit.concurrency_queue_ms"] = Math.floor(waitedMs);
      if (authenticated !== undefined) fields["limit.authenticated"] = String(authenticated);
      meters.dropped(reason);
    },
  };
}
