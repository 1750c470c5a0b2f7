import type { Logger } from "../base/log/logger.ts";
import type { MetricRegistry } from "../base/metric/metric-registry.ts";
import { smudgeEnvironment } from "../gitlab/smudge-settings.ts";
import type { ArchiveNeeds } from "../services/repository/get-archive.ts";
import { StreamCache } from "../storage/stream-cache/stream-cache.ts";
import type { Config } from "./config/config.ts";
import { programCommand } from "./program-command.ts";

/** What archives need beside git, as the configuration has it. The cache is added to `stack`. */
export function createArchives(
  { archiveCache, gitlab, tls }: Config,
  { metrics, logger }: { readonly metrics: MetricRegistry; readonly logger: Logger },
  stack: AsyncDisposableStack,
): ArchiveNeeds {
  const { enabled, dir: directory, maxAgeMs, minOccurrences, backpressure } = archiveCache;
  const kept = { directory, maxAgeMs, minOccurrences, backpressure };
  return {
    archiveCache: enabled
      ? stack.use(new StreamCache({ name: "archive", ...kept, metrics, logger }))
      : undefined,
    lfsSmudge:
      gitlab.url === ""
        ? undefined
        : {
            command: programCommand("gitaly-lfs-smudge"),
            environment: (glRepository) =>
              smudgeEnvironment({ glRepository, gitlab, tls, driver: "process" }),
          },
  };
}
