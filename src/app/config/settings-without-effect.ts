import type { Config } from "./config.ts";

type IsSet = (config: Config) => boolean;

/** Settings of the reference server that ours has no use for. */
const WITHOUT_EFFECT: readonly (readonly [key: string, isSet: IsSet])[] = [
  [
    "adaptive_limiting.cpu_throttled_threshold",
    (c) => c.adaptiveLimiting.cpuThrottledThreshold > 0,
  ],
  ["adaptive_limiting.memory_threshold", (c) => c.adaptiveLimiting.memoryThreshold > 0],
  [
    "adaptive_limiting.psi_pressure",
    ({ adaptiveLimiting: { psiPressure } }) =>
      Object.values(psiPressure).some(({ enabled }) => enabled),
  ],
  ["backup.wal_backup_go_cloud_url", (c) => c.backup.walGoCloudUrl !== ""],
  ["cgroups.repositories.count", (c) => c.cgroups.repositories.count > 0],
  ["git.catfile_cache_size", (c) => c.git.catfileCacheSize !== 0],
  ["hooks.packobjects_hook_max_proc", (c) => c.hooks.packObjectsHookMaxProc > 0],
  ["load_shedder.enabled", (c) => c.loadShedder.enabled],
  ["logging.sentry_dsn", (c) => c.logging.sentryDsn !== ""],
  ["raft.enabled", (c) => c.raft.enabled],
  ["transactions.enabled", (c) => c.transactions.enabled],
  ["transactions.recover_pending_wal", (c) => c.transactions.recoverPendingWal],
];

/** The keys that an operator has set in vain; docs/configuration.md says why. */
export function settingsWithoutEffect(config: Config): readonly string[] {
  return WITHOUT_EFFECT.filter(([, isSet]) => isSet(config)).map(([key]) => key);
}
