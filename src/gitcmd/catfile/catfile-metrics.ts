import type { Counter } from "../../base/metric/counter.ts";
import type { GaugeSeries } from "../../base/metric/gauge.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";

/**
 * What became of a process: taken from the cache or not there, or, coming back, given up because
 * something was unread or because enough for its repository are there.
 */
export type CacheEvent = "hit" | "miss" | "dirty" | "duplicate";

/** The pool's metrics, under the names of the reference server. */
export class CatfileMetrics {
  readonly #cache: Counter<"type">;
  readonly #lookups: Counter<"type">;
  readonly #processes: GaugeSeries;
  readonly #processesTotal: Counter<never>;

  /** `countIdle`: how many processes wait in the cache, with or without `.mailmap`. */
  constructor(registry: MetricRegistry, countIdle: (mailmap: boolean) => number) {
    this.#cache = registry.counter({
      name: "gitaly_catfile_cache_total",
      help: "Processes of git cat-file taken from the cache, missed there, or not taken back.",
      labels: ["type"],
    });
    this.#lookups = registry.counter({
      name: "gitaly_catfile_lookups_total",
      help: "Objects read through git cat-file, by type.",
      labels: ["type"],
    });
    const processes = registry.gauge({
      name: "gitaly_catfile_processes",
      help: "Processes of git cat-file that run now.",
    });
    this.#processes = processes.series({});
    this.#processesTotal = registry.counter({
      name: "gitaly_catfile_processes_total",
      help: "Processes of git cat-file ever started.",
    });
    registry.computedGauge(
      {
        name: "gitaly_catfile_cache_members",
        help: "Processes of git cat-file that wait in the cache.",
        labels: ["type"],
      },
      (emit) => {
        emit({ type: "object_reader" }, countIdle(true));
        emit({ type: "object_reader_without_mailmap" }, countIdle(false));
      },
    );
  }

  recordCache(type: CacheEvent): void {
    this.#cache.inc({ type });
  }

  /** `type`: of an object whose content was asked for, or `info`. */
  recordLookup(type: string): void {
    this.#lookups.inc({ type });
  }

  recordStart(): void {
    this.#processes.inc();
    this.#processesTotal.inc({});
  }

  recordEnd(): void {
    this.#processes.dec();
  }
}
