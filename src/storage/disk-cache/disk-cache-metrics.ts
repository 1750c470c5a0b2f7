import type { Counter } from "../../base/metric/counter.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";

/** What was found in folders of cached answers. */
export class DiskCacheMetrics {
  /** Files and folders that were looked at. */
  readonly checked: Counter<never>;
  readonly removed: Counter<never>;
  readonly removedFolders: Counter<never>;
  readonly errors: Counter<never>;

  constructor(metrics: MetricRegistry) {
    const counter = (name: string, help: string): Counter<never> =>
      metrics.counter({ name: `gitaly_diskcache_walker_${name}_total`, help });
    this.checked = counter("check", "Cached files and their folders that were looked at.");
    this.removed = counter("removal", "Cached files and their folders that were removed.");
    this.removedFolders = counter("empty_dir_removal", "Folders that were empty and removed.");
    this.errors = counter("error", "Folders of cached files that could not be cleaned.");
  }
}
