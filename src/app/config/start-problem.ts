import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { isMissing, systemErrorText } from "../../base/error/system-error-text.ts";
import { formatDuration } from "../../base/text/duration-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { Config } from "./config.ts";
import { type Problem, problemText } from "./problem.ts";
import { checkAuth } from "./section/auth.ts";
import { gitConfigKeyReason } from "./section/git.ts";
import { checkStorages } from "./section/storage.ts";

/**
 * What keeps a server from starting with this configuration, in the reference server's words.
 *
 * Narrower than `findProblems`, which also complains of what a server can live with. Reads the
 * disk. Undefined when the server may start.
 */
export function startProblem(config: Config): string | undefined {
  for (const check of CHECKS) {
    const problem = check(config);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

type Check = (config: Config) => string | undefined;

const CHECKS: readonly Check[] = [
  checkListeners,
  ({ storages }) => joined(checkStorages(storages)),
  checkGitConfig,
  checkGitlabSecret,
  ({ auth }) => joined(checkAuth(auth)),
  ({ binDir }) => (binDir === "" ? "bin_dir: is not set" : directoryProblem("bin_dir", binDir)),
  ({ runtimeDir }) => (runtimeDir === "" ? undefined : directoryProblem("runtime_dir", runtimeDir)),
  checkDailyMaintenance,
  checkCgroups,
  checkPackObjectsCache,
];

function joined(problems: readonly Problem[]): string | undefined {
  return problems.length === 0 ? undefined : problems.map(problemText).join("\n");
}

function checkListeners({ socketPath, listenAddr, tlsListenAddr }: Config): string | undefined {
  if (socketPath !== "" || listenAddr !== "" || tlsListenAddr !== "") return undefined;
  return "at least one of socket_path, listen_addr or tls_listen_addr must be set";
}

function checkGitConfig({ git }: Config): string | undefined {
  for (const { key } of git.config) {
    const reason = gitConfigKeyReason(key);
    if (reason !== undefined) return `invalid configuration key ${quoteText(key)}: key: ${reason}`;
  }
  return undefined;
}

function checkGitlabSecret({ gitlab, gitlabShell }: Config): string | undefined {
  if (gitlab.secret !== "" || gitlab.secretFile !== "") return undefined;
  if (gitlabShell.dir !== "") return directoryProblem("gitlab-shell.dir", gitlabShell.dir);
  return "GitLab secret not configured";
}

function directoryProblem(key: string, path: string): string | undefined {
  try {
    if (statSync(path).isDirectory()) return undefined;
    return `${key}: not a directory: ${quoteText(path)}`;
  } catch (error) {
    if (isMissing(error)) return `${key}: path doesn't exist: ${quoteText(path)}`;
    return `${key}: ${systemErrorText(error)}`;
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;

function checkDailyMaintenance({ dailyMaintenance, storages }: Config): string | undefined {
  const { startHour, startMinute, durationMs } = dailyMaintenance;
  const known = new Set(storages.map(({ name }) => name));
  const unknown = dailyMaintenance.storages.find((name) => !known.has(name));
  if (unknown !== undefined) {
    return `daily maintenance specified storage ${quoteText(unknown)} does not exist in configuration`;
  }
  if (startHour > 23) {
    return `daily maintenance specified hour '${startHour}' outside range (0-23)`;
  }
  if (startMinute > 59) {
    return `daily maintenance specified minute '${startMinute}' outside range (0-59)`;
  }
  if (durationMs > DAY_MS) {
    const shown = formatDuration(durationMs);
    return `daily maintenance specified duration ${shown} must be less than 24 hours`;
  }
  return undefined;
}

function checkCgroups({ cgroups }: Config): string | undefined {
  const { repositories } = cgroups;
  const exceeds = (part: number, whole: number): boolean => whole > 0 && part > whole;
  if (exceeds(repositories.memoryBytes, cgroups.memoryBytes)) {
    return "cgroups.repositories: memory limit cannot exceed parent";
  }
  if (exceeds(repositories.cpuShares, cgroups.cpuShares)) {
    return "cgroups.repositories: cpu shares cannot exceed parent";
  }
  if (exceeds(repositories.cpuQuotaUs, cgroups.cpuQuotaUs)) {
    return "cgroups.repositories: cpu quota cannot exceed parent";
  }
  return undefined;
}

function checkPackObjectsCache({ packObjectsCache, storages }: Config): string | undefined {
  const { enabled, maxAgeMs, dir } = packObjectsCache;
  if (!enabled) return undefined;
  if (maxAgeMs < 0) return "pack_objects_cache.max_age cannot be negative";
  if (dir === "") {
    return "pack_objects_cache: cannot pick default cache directory: no storages";
  }
  if (!isAbsolute(dir)) {
    return "pack_objects_cache: storage directory must be absolute path";
  }
  if (storages.some(({ path }) => resolve(path).startsWith(resolve(dir)))) {
    return "pack_objects_cache: the specified cache directory cannot be the same or a parent of the storage path";
  }
  return undefined;
}
