import { normalize, resolve } from "node:path";
import type { Config } from "./config.ts";
import { completeAdaptiveLimiting } from "./section/adaptive-limiting.ts";
import { completeBackup } from "./section/backup.ts";
import { completeCgroups } from "./section/cgroups.ts";
import { completeConcurrency, completePackObjectsLimiting } from "./section/concurrency.ts";
import { completeDailyMaintenance } from "./section/daily-maintenance.ts";
import { completeGitlab } from "./section/gitlab.ts";
import { completeHooks } from "./section/hooks.ts";
import { completeLogging } from "./section/logging.ts";
import { completeRaft } from "./section/raft.ts";
import { completeStreamCache } from "./section/stream-cache.ts";
import { completeTimeouts } from "./section/timeout.ts";
import { completeTransactions } from "./section/transactions.ts";

/**
 * Puts defaults where the document was silent and makes paths absolute where that is asked for.
 *
 * Many defaults stand in for an explicit 0 or an empty text as well, as in the reference server.
 */
export function completeConfig(config: Config): Config {
  const { storages, gitlabShell } = config;
  return {
    ...config,
    binDir: absolute(config.binDir),
    runtimeDir: absolute(config.runtimeDir),
    storages: storages.map((storage) => ({ ...storage, path: cleanPath(storage.path) })),
    logging: completeLogging(config.logging),
    gitlab: completeGitlab(config.gitlab, gitlabShell),
    hooks: completeHooks(config.hooks, gitlabShell),
    concurrency: config.concurrency.map(completeConcurrency),
    gracefulRestartTimeoutMs: config.gracefulRestartTimeoutMs || 60_000,
    dailyMaintenance: completeDailyMaintenance(config.dailyMaintenance, storages),
    cgroups: completeCgroups(config.cgroups),
    packObjectsCache: completeStreamCache(config.packObjectsCache, "PackObjectsCache", storages),
    packObjectsLimiting: completePackObjectsLimiting(config.packObjectsLimiting),
    archiveCache: completeStreamCache(config.archiveCache, "ArchiveCache", storages),
    backup: completeBackup(config.backup),
    timeout: completeTimeouts(config.timeout),
    transactions: completeTransactions(config.transactions),
    adaptiveLimiting: completeAdaptiveLimiting(config.adaptiveLimiting),
    raft: completeRaft(config.raft, storages),
  };
}

function absolute(path: string): string {
  return path === "" ? "" : resolve(path);
}

function cleanPath(path: string): string {
  return normalize(path).replace(/(?<=.)\/+$/, "");
}
