import { formatDuration } from "../../base/text/duration-text.ts";
import type { Config } from "./config.ts";
import { at, each, type Problem, under, unlessAtLeast, unlessDirectory } from "./problem.ts";
import { checkAuth } from "./section/auth.ts";
import { checkBackup } from "./section/backup.ts";
import { checkCgroups } from "./section/cgroups.ts";
import { checkConcurrency, checkPackObjectsLimiting } from "./section/concurrency.ts";
import { checkDailyMaintenance } from "./section/daily-maintenance.ts";
import { checkGit } from "./section/git.ts";
import { checkGitlab, checkGitlabShell } from "./section/gitlab.ts";
import { checkOffloading } from "./section/offloading.ts";
import { checkPrometheus } from "./section/prometheus.ts";
import { checkRaft } from "./section/raft.ts";
import { checkStorages } from "./section/storage.ts";
import { checkStreamCache } from "./section/stream-cache.ts";
import { checkTls } from "./section/tls.ts";

const NO_LISTENER = 'none of "socket_path", "listen_addr" or "tls_listen_addr" is set';

/**
 * Everything that is wrong with a loaded configuration, in the reference server's words and order.
 *
 * Reads the disk: directories, certificates and secrets have to be there.
 */
export function findProblems(config: Config): readonly Problem[] {
  const { runtimeDir, gracefulRestartTimeoutMs } = config;
  return [
    ...checkListeners(config),
    ...at("bin_dir", unlessDirectory(config.binDir)),
    ...(runtimeDir === "" ? [] : at("runtime_dir", unlessDirectory(runtimeDir))),
    ...under("git", checkGit(config.git)),
    ...under("storage", checkStorages(config.storages)),
    ...under("prometheus", checkPrometheus(config.prometheus)),
    ...under("auth", checkAuth(config.auth)),
    ...under("tls", checkTls(config.tls)),
    ...under("gitlab", checkGitlab(config.gitlab)),
    ...under("gitlab-shell", checkGitlabShell(config.gitlabShell)),
    ...at("graceful_restart_timeout", unlessAtLeast(gracefulRestartTimeoutMs, 0, formatDuration)),
    ...under("daily_maintenance", checkDailyMaintenance(config.dailyMaintenance, config.storages)),
    ...under("cgroups", checkCgroups(config.cgroups)),
    ...under("concurrency", each(config.concurrency, checkConcurrency)),
    ...under("pack_objects_cache", checkStreamCache(config.packObjectsCache)),
    ...under("pack_objects_limiting", checkPackObjectsLimiting(config.packObjectsLimiting)),
    ...under("backup", checkBackup(config.backup)),
    ...under("raft", checkRaft(config.raft, config.transactions)),
    ...under("offloading", checkOffloading(config.offloading)),
  ];
}

function checkListeners({ socketPath, listenAddr, tlsListenAddr }: Config): readonly Problem[] {
  const isDeaf = socketPath === "" && listenAddr === "" && tlsListenAddr === "";
  return isDeaf ? [{ key: [], message: NO_LISTENER }] : [];
}
