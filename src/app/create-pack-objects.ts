import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Logger } from "../base/log/logger.ts";
import type { MetricRegistry } from "../base/metric/metric-registry.ts";
import type { GitRunner } from "../gitcmd/git-runner.ts";
import { PackLimits } from "../services/common/pack-objects/pack-limits.ts";
import { PackObjects } from "../services/common/pack-objects/pack-objects.ts";
import { PackSharing } from "../services/common/pack-objects/pack-sharing.ts";
import { StreamCache } from "../storage/stream-cache/stream-cache.ts";
import type { Config } from "./config/config.ts";
import type { RuntimeDirectory } from "./config/runtime-directory.ts";
import { programCommand, quoteWord } from "./program-command.ts";

interface Parts {
  readonly git: GitRunner;
  readonly metrics: MetricRegistry;
  readonly logger: Logger;
}

/** What makes packs, as the configuration limits and keeps them. The cache is added to `stack`. */
export function createPackObjects(
  { packObjectsCache, packObjectsLimiting: settings, prometheus }: Config,
  { git, metrics, logger }: Parts,
  stack: AsyncDisposableStack,
): PackObjects {
  const { enabled, dir: directory, maxAgeMs, minOccurrences, backpressure } = packObjectsCache;
  const kept = { directory, maxAgeMs, minOccurrences, backpressure };
  const cache = enabled
    ? stack.use(new StreamCache({ name: "pack_objects", ...kept, metrics, logger }))
    : undefined;
  const { grpcLatencyBuckets: latencyBuckets } = prometheus;
  const limits = new PackLimits({ settings, metrics, latencyBuckets });
  return new PackObjects({ git, limits, cache, metrics });
}

/** The hook that the set-up has compiled. */
const CHANNEL_HOOK_PATH = fileURLToPath(
  new URL("../../dist/native/pack-objects-hook", import.meta.url),
);

/** How git's fetches share packs, if the configuration says so. */
export function createPackSharing(
  { packObjectsCache, auth }: Config,
  packObjects: PackObjects,
  { path, internalSocketPath }: Pick<RuntimeDirectory, "path" | "internalSocketPath">,
): PackSharing {
  if (!packObjectsCache.enabled) return new PackSharing(undefined);
  return new PackSharing({
    packObjects,
    channelHookCommand: existsSync(CHANNEL_HOOK_PATH) ? quoteWord(CHANNEL_HOOK_PATH) : undefined,
    hookCommand: programCommand("gitaly-hooks"),
    runtimeDirectory: path,
    internalSocketPath,
    token: auth.resolvedToken,
  });
}
