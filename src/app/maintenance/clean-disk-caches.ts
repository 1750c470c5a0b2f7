import type { Logger } from "../../base/log/logger.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { cleanDiskCache } from "../../storage/disk-cache/clean-disk-cache.ts";
import { DiskCacheMetrics } from "../../storage/disk-cache/disk-cache-metrics.ts";
import type { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import { atIntervals, type Wait } from "./at-intervals.ts";

interface Needs {
  readonly locator: Pick<RepositoryLocator, "cacheFolder" | "stateFolder">;
  readonly storages: readonly { readonly name: string; readonly path: string }[];
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

const INTERVAL_MS = 10 * 60_000;

/**
 * Removes what has grown old of the answers that processes have cached in the storages, and of what
 * they have told each other about repositories, until the signal is aborted.
 */
export async function cleanDiskCaches(
  { locator, storages, metrics: registry, logger }: Needs,
  signal: AbortSignal,
  pause?: Wait,
): Promise<void> {
  const metrics = new DiskCacheMetrics(registry);
  const names = new Map(storages.map(({ name, path }) => [path, name])).values();
  const folders = [...names].flatMap((name) => [
    locator.cacheFolder(name),
    locator.stateFolder(name),
  ]);
  const cleanAll = async (): Promise<void> => {
    for (const folder of folders) {
      try {
        await cleanDiskCache(folder, { nowMs: Date.now(), metrics }, signal);
      } catch (error) {
        if (signal.aborted) return;
        metrics.errors.inc({});
        logger.error("disk cache cleanup failed", { error, path: folder });
      }
    }
  };
  await atIntervals(cleanAll, INTERVAL_MS, signal, pause);
}
