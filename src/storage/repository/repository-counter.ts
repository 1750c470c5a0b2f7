import type { Logger } from "../../base/log/logger.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type { LocatedRepository, RepositoryLocator } from "../locator/repository-locator.ts";
import { walkRepositories } from "../walk/walk-repositories.ts";

/** In a cluster the prefix is one folder further down. */
const CLUSTER_FOLDER = "@cluster";

interface CountingNeeds {
  readonly locator: RepositoryLocator;
  readonly storages: readonly { readonly name: string; readonly path: string }[];
  readonly logger: Logger;
}

/** How many repositories there are: by the path of their storage and their first folder. */
export class RepositoryCounter {
  readonly #counts = new Map<string, Map<string, number>>();
  #isCounted = false;

  /** Its metric has no series before those that are there at the start have been counted. */
  constructor(metrics: MetricRegistry) {
    metrics.computedGauge(
      {
        name: "gitaly_total_repositories_count",
        help: "Repositories by the path of their storage and their first folder.",
        labels: ["path", "prefix"],
      },
      (emit) => {
        if (!this.#isCounted) return;
        for (const [path, prefixes] of this.#counts) {
          for (const [prefix, count] of prefixes) emit({ path, prefix }, count);
        }
      },
    );
  }

  /** A repository has been made. */
  increment({ storagePath, relativePath }: LocatedRepository): void {
    this.#add(storagePath, relativePath, 1);
  }

  /** A repository has been removed. */
  decrement({ storagePath, relativePath }: LocatedRepository): void {
    this.#add(storagePath, relativePath, -1);
  }

  /** Counts those that are there. What can't be read is logged; an abort ends the count. */
  async countAll({ locator, storages, logger }: CountingNeeds, signal: AbortSignal): Promise<void> {
    logger.info("counting repositories");
    const beganMs = performance.now();
    // Storages may share a path.
    const names = new Map(storages.map(({ name, path }) => [path, name]));
    for (const [path, name] of names) {
      const log = logger.with({ storage_path: path });
      log.info("starting to count repositories");
      const storageBeganMs = performance.now();
      try {
        for await (const { relativePath } of walkRepositories(locator, name, signal)) {
          if (!this.#add(path, relativePath, 1)) {
            log.warn("counting repositories failed due to malformed path", {
              error: `malformed repository path "${relativePath}"`,
            });
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        log.error("failed to count repositories", { error });
      }
      const tookMs = Math.round(performance.now() - storageBeganMs);
      log.info("completed counting repositories", { counting_duration_ms: tookMs });
    }
    this.#isCounted = true;
    const tookMs = Math.round(performance.now() - beganMs);
    logger.info("completed counting all repositories", { counting_duration: tookMs });
  }

  /** False for a repository that is in no folder. */
  #add(storagePath: string, relativePath: string, by: number): boolean {
    const folders = relativePath.split("/").slice(0, -1);
    const prefix = folders[0] === CLUSTER_FOLDER ? folders[1] : folders[0];
    if (prefix === undefined) return false;
    const prefixes = this.#counts.get(storagePath) ?? new Map<string, number>();
    this.#counts.set(storagePath, prefixes);
    prefixes.set(prefix, (prefixes.get(prefix) ?? 0) + by);
    return true;
  }
}
