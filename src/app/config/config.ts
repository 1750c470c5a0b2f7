import {
  ADAPTIVE_LIMITING_DEFAULTS,
  ADAPTIVE_LIMITING_FIELDS,
  type AdaptiveLimitingSettings,
} from "./section/adaptive-limiting.ts";
import { AUTH_DEFAULTS, AUTH_FIELDS, type AuthSettings } from "./section/auth.ts";
import {
  BACKUP_DEFAULTS,
  BACKUP_FIELDS,
  type BackupSettings,
  BUNDLE_URI_DEFAULTS,
  BUNDLE_URI_FIELDS,
  type BundleUriSettings,
} from "./section/backup.ts";
import { CGROUP_DEFAULTS, CGROUP_FIELDS, type CgroupSettings } from "./section/cgroups.ts";
import {
  CONCURRENCY_DEFAULTS,
  CONCURRENCY_FIELDS,
  type ConcurrencySettings,
  LIMIT_PAIR_FIELDS,
  type LimitPair,
  PACK_OBJECTS_LIMITING_DEFAULTS,
} from "./section/concurrency.ts";
import {
  DAILY_MAINTENANCE_DEFAULTS,
  DAILY_MAINTENANCE_FIELDS,
  type DailyMaintenanceSettings,
} from "./section/daily-maintenance.ts";
import { GIT_DEFAULTS, GIT_FIELDS, type GitSettings } from "./section/git.ts";
import {
  GITLAB_DEFAULTS,
  GITLAB_FIELDS,
  GITLAB_SHELL_DEFAULTS,
  GITLAB_SHELL_FIELDS,
  type GitlabSettings,
  type GitlabShellSettings,
} from "./section/gitlab.ts";
import { HOOK_DEFAULTS, HOOK_FIELDS, type HookSettings } from "./section/hooks.ts";
import { LOGGING_DEFAULTS, LOGGING_FIELDS, type LoggingSettings } from "./section/logging.ts";
import {
  OFFLOADING_DEFAULTS,
  OFFLOADING_FIELDS,
  type OffloadingSettings,
} from "./section/offloading.ts";
import {
  PROMETHEUS_DEFAULTS,
  PROMETHEUS_FIELDS,
  type PrometheusSettings,
} from "./section/prometheus.ts";
import { RAFT_DEFAULTS, RAFT_FIELDS, type RaftSettings } from "./section/raft.ts";
import { STORAGE_DEFAULTS, STORAGE_FIELDS, type StorageSettings } from "./section/storage.ts";
import {
  ARCHIVE_CACHE_DEFAULTS,
  PACK_OBJECTS_CACHE_DEFAULTS,
  STREAM_CACHE_FIELDS,
  type StreamCacheSettings,
} from "./section/stream-cache.ts";
import { TIMEOUT_DEFAULTS, TIMEOUT_FIELDS, type TimeoutSettings } from "./section/timeout.ts";
import { TLS_DEFAULTS, TLS_FIELDS, type TlsSettings } from "./section/tls.ts";
import {
  TRANSACTION_DEFAULTS,
  TRANSACTION_FIELDS,
  type TransactionSettings,
} from "./section/transactions.ts";
import { duration, type Fields, table, tables, text, truth } from "./shape.ts";

/** `[load_shedder]`: gives up the costliest calls when the machine is in trouble. */
export interface LoadShedderSettings {
  readonly enabled: boolean;
}

/** `[pool_metadata]`: a database of which repository borrows from which pool. */
export interface PoolMetadataSettings {
  readonly databasePath: string;
}

/**
 * The server's configuration: the keys of the TOML document in lowerCamel, with units where the
 * document has none. An empty text or 0 stands for "not set" where a section doesn't say otherwise.
 */
export interface Config {
  /** A program whose JSON output is merged over the document. */
  readonly configCommand: string;
  readonly socketPath: string;
  readonly listenAddr: string;
  readonly tlsListenAddr: string;
  readonly prometheusListenAddr: string;
  /** Absolute, once loaded. */
  readonly binDir: string;
  /** Absolute, once loaded; empty to use the system's place for temporary files. */
  readonly runtimeDir: string;
  readonly git: GitSettings;
  readonly storages: readonly StorageSettings[];
  readonly logging: LoggingSettings;
  readonly prometheus: PrometheusSettings;
  readonly auth: AuthSettings;
  readonly tls: TlsSettings;
  readonly gitlab: GitlabSettings;
  readonly gitlabShell: GitlabShellSettings;
  readonly hooks: HookSettings;
  readonly concurrency: readonly ConcurrencySettings[];
  /** How long running calls may take to end when the server is told to stop. */
  readonly gracefulRestartTimeoutMs: number;
  readonly dailyMaintenance: DailyMaintenanceSettings;
  readonly cgroups: CgroupSettings;
  readonly packObjectsCache: StreamCacheSettings;
  readonly packObjectsLimiting: LimitPair;
  readonly archiveCache: StreamCacheSettings;
  readonly backup: BackupSettings;
  readonly bundleUri: BundleUriSettings;
  readonly timeout: TimeoutSettings;
  readonly transactions: TransactionSettings;
  readonly adaptiveLimiting: AdaptiveLimitingSettings;
  readonly loadShedder: LoadShedderSettings;
  readonly raft: RaftSettings;
  readonly offloading: OffloadingSettings;
  readonly useLibp2pYamux: boolean;
  readonly poolMetadata: PoolMetadataSettings;
}

/** What an empty document means before `completeConfig` has filled in the rest. */
export const CONFIG_DEFAULTS: Config = {
  configCommand: "",
  socketPath: "",
  listenAddr: "",
  tlsListenAddr: "",
  prometheusListenAddr: "",
  binDir: "",
  runtimeDir: "",
  git: GIT_DEFAULTS,
  storages: [],
  logging: LOGGING_DEFAULTS,
  prometheus: PROMETHEUS_DEFAULTS,
  auth: AUTH_DEFAULTS,
  tls: TLS_DEFAULTS,
  gitlab: GITLAB_DEFAULTS,
  gitlabShell: GITLAB_SHELL_DEFAULTS,
  hooks: HOOK_DEFAULTS,
  concurrency: [],
  gracefulRestartTimeoutMs: 0,
  dailyMaintenance: DAILY_MAINTENANCE_DEFAULTS,
  cgroups: CGROUP_DEFAULTS,
  packObjectsCache: PACK_OBJECTS_CACHE_DEFAULTS,
  packObjectsLimiting: PACK_OBJECTS_LIMITING_DEFAULTS,
  archiveCache: ARCHIVE_CACHE_DEFAULTS,
  backup: BACKUP_DEFAULTS,
  bundleUri: BUNDLE_URI_DEFAULTS,
  timeout: TIMEOUT_DEFAULTS,
  transactions: TRANSACTION_DEFAULTS,
  adaptiveLimiting: ADAPTIVE_LIMITING_DEFAULTS,
  loadShedder: { enabled: false },
  raft: RAFT_DEFAULTS,
  offloading: OFFLOADING_DEFAULTS,
  useLibp2pYamux: false,
  poolMetadata: { databasePath: "" },
};

const LOAD_SHEDDER_FIELDS: Fields<LoadShedderSettings> = { enabled: truth("enabled") };
const POOL_METADATA_FIELDS: Fields<PoolMetadataSettings> = { databasePath: text("database_path") };

/** Every key of the document by the property that it fills. */
export const CONFIG_FIELDS: Fields<Config> = {
  configCommand: text("config_command"),
  socketPath: text("socket_path"),
  listenAddr: text("listen_addr"),
  tlsListenAddr: text("tls_listen_addr"),
  prometheusListenAddr: text("prometheus_listen_addr"),
  binDir: text("bin_dir"),
  runtimeDir: text("runtime_dir"),
  git: table("git", GIT_FIELDS),
  storages: tables("storage", STORAGE_FIELDS, STORAGE_DEFAULTS),
  logging: table("logging", LOGGING_FIELDS),
  prometheus: table("prometheus", PROMETHEUS_FIELDS),
  auth: table("auth", AUTH_FIELDS),
  tls: table("tls", TLS_FIELDS),
  gitlab: table("gitlab", GITLAB_FIELDS),
  gitlabShell: table("gitlab-shell", GITLAB_SHELL_FIELDS),
  hooks: table("hooks", HOOK_FIELDS),
  concurrency: tables("concurrency", CONCURRENCY_FIELDS, CONCURRENCY_DEFAULTS),
  gracefulRestartTimeoutMs: duration("graceful_restart_timeout"),
  dailyMaintenance: table("daily_maintenance", DAILY_MAINTENANCE_FIELDS),
  cgroups: table("cgroups", CGROUP_FIELDS),
  packObjectsCache: table("pack_objects_cache", STREAM_CACHE_FIELDS),
  packObjectsLimiting: table("pack_objects_limiting", LIMIT_PAIR_FIELDS),
  archiveCache: table("archive_cache", STREAM_CACHE_FIELDS),
  backup: table("backup", BACKUP_FIELDS),
  bundleUri: table("bundle_uri", BUNDLE_URI_FIELDS),
  timeout: table("timeout", TIMEOUT_FIELDS),
  transactions: table("transactions", TRANSACTION_FIELDS),
  adaptiveLimiting: table("adaptive_limiting", ADAPTIVE_LIMITING_FIELDS),
  loadShedder: table("load_shedder", LOAD_SHEDDER_FIELDS),
  raft: table("raft", RAFT_FIELDS),
  offloading: table("offloading", OFFLOADING_FIELDS),
  useLibp2pYamux: truth("use_libp2p_yamux"),
  poolMetadata: table("pool_metadata", POOL_METADATA_FIELDS),
};
