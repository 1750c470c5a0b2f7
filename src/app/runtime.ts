import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { systemErrorText } from "../base/error/system-error-text.ts";
import type { Logger } from "../base/log/logger.ts";
import type { MetricRegistry } from "../base/metric/metric-registry.ts";
import { RepositoryCache } from "../git/repository/repository-cache.ts";
import { type CommitSigner, loadSigner } from "../git/signing/commit-signer.ts";
import { findGit } from "../gitcmd/binary/find-git.ts";
import type { GitRunner } from "../gitcmd/git-runner.ts";
import { CommandMetrics } from "../gitcmd/runner/command-metrics.ts";
import { createGitRunner } from "../gitcmd/runner/process-git-runner.ts";
import { startHelperSpawner } from "../gitcmd/spawn/helper-spawner.ts";
import { createHookManager } from "../hooks/create-hook-manager.ts";
import type { HookManager } from "../hooks/hook-manager.ts";
import { type HookStubs, installHookStubs } from "../hooks/stub/hook-stubs.ts";
import { Backchannels } from "../rpc/sidechannel/backchannels.ts";
import type { BundleUris } from "../services/common/bundle-uri/bundle-uris.ts";
import type { SshProgram } from "../services/common/internal-source.ts";
import { Mailmaps } from "../services/common/mailmaps.ts";
import type { PackObjects } from "../services/common/pack-objects/pack-objects.ts";
import type { PackSharing } from "../services/common/pack-objects/pack-sharing.ts";
import { ServerChannels } from "../services/common/server-channels.ts";
import { TransactionVotes } from "../services/common/transaction-votes.ts";
import type { FindPoolUpstreams } from "../services/internal-gitaly/list-pool-upstreams.ts";
import type { ArchiveNeeds } from "../services/repository/get-archive.ts";
import { BackupMetrics } from "../storage/backup/backup-metrics.ts";
import type { BackupSink } from "../storage/backup/backup-sink.ts";
import { openSink } from "../storage/backup/open-sink.ts";
import { RepositoryLeases } from "../storage/disk-cache/repository-leases.ts";
import { Housekeeping } from "../storage/housekeeping/housekeeping.ts";
import { HousekeepingMetrics } from "../storage/housekeeping/housekeeping-metrics.ts";
import { RepositoryLocator } from "../storage/locator/repository-locator.ts";
import { PoolMetadataStore } from "../storage/pool-metadata/pool-metadata-store.ts";
import { RepositoryCounter } from "../storage/repository/repository-counter.ts";
import type { OpenedAccess } from "./access/open-internal-api.ts";
import type { Config } from "./config/config.ts";
import type { BackupSettings } from "./config/section/backup.ts";
import type { GitSettings } from "./config/section/git.ts";
import type { OffloadingSettings } from "./config/section/offloading.ts";
import type { TimeoutSettings } from "./config/section/timeout.ts";
import { createArchives } from "./create-archives.ts";
import { createBundleUris } from "./create-bundle-uris.ts";
import { createPackObjects, createPackSharing } from "./create-pack-objects.ts";
import { programVersion } from "./program-version.ts";
import { sshProgramCommand } from "./ssh-program/ssh-program-command.ts";

/** The server itself as a committer. */
export interface SigningCommitter {
  readonly name: string;
  readonly email: string;
}

/**
 * Everything that requests share, built once and passed down.
 *
 * Services name the few of these that they need; nothing else in the program holds shared state.
 */
export interface Runtime extends ArchiveNeeds {
  readonly locator: RepositoryLocator;
  readonly leases: RepositoryLeases;
  readonly git: GitRunner;
  readonly repositories: RepositoryCache;
  readonly repositoryCounter: RepositoryCounter;
  readonly mailmaps: Mailmaps;
  readonly packObjects: PackObjects;
  readonly packSharing: PackSharing;
  readonly hooks: HookManager;
  readonly hookStubs: HookStubs;
  readonly votes: TransactionVotes;
  /** Connections to other servers of the installation. */
  readonly channels: ServerChannels;
  readonly sshProgram: SshProgram;
  readonly timeouts: TimeoutSettings;
  readonly logger: Logger;
  readonly serverVersion: string;
  /** Signs commits that are made here; undefined when nothing is signed. */
  readonly signer: CommitSigner | undefined;
  /** Who commits what is to be signed, whether there is a key or not; undefined for the user. */
  readonly signingCommitter: SigningCommitter | undefined;
  /** Undefined when there is no GitLab to ask. */
  readonly findPoolUpstreams: FindPoolUpstreams | undefined;
  /** What is known of object pools; undefined when the configuration names no database. */
  readonly poolMetadata: PoolMetadataStore | undefined;
  /** Which cluster the server belongs to; empty for none. */
  readonly raftClusterId: string;
  /** Whether the configuration says where backups go. */
  readonly hasBackups: boolean;
  /** Where backups go; undefined when the configuration doesn't say. */
  readonly backupSink: BackupSink | undefined;
  readonly backupMetrics: BackupMetrics;
  /** Makes bundles for clients; undefined when the configuration doesn't say where they go. */
  readonly bundleUris: BundleUris | undefined;
  readonly metrics: MetricRegistry;
  readonly housekeeping: Housekeeping;
  readonly offloading: OffloadingSettings;
}

export interface RuntimeOptions {
  readonly logger: Logger;
  /** The server's own environment; git gets an allow-listed part of it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** The folder of this process's own files, see `createRuntimeDirectory`. */
  readonly runtimeDirectory: string;
  /** Where our own git processes and hooks call back. */
  readonly internalSocketPath: string;
  /** Who decides about pushes. */
  readonly access: OpenedAccess;
  readonly metrics: MetricRegistry;
}

/** Builds the runtime. What has to be closed with it is added to `stack`. */
export async function buildRuntime(
  config: Config,
  {
    logger,
    environment,
    signal,
    runtimeDirectory,
    internalSocketPath,
    access,
    metrics,
  }: RuntimeOptions,
  stack: AsyncDisposableStack,
): Promise<Runtime> {
  const spawnDirectory = join(runtimeDirectory, "spawn");
  await mkdir(spawnDirectory, { mode: 0o700 });
  const spawner = stack.use(await startHelperSpawner({ runtimeDirectory: spawnDirectory }));
  const binary = await findGit({ spawner, binPath: config.git.binPath, environment, signal });
  const cpuCount = availableParallelism();
  const git = createGitRunner({
    binary,
    spawner,
    environment,
    cpuCount,
    config: config.git.config,
    metrics: new CommandMetrics(metrics),
  });
  const repositories = new RepositoryCache();
  stack.defer(() => repositories.close());
  const packObjects = createPackObjects(config, { git, metrics, logger }, stack);
  const storages = new Map(config.storages.map(({ name, path }) => [name, path]));
  const locator = new RepositoryLocator(storages);
  const votes = new TransactionVotes({
    backchannels: new Backchannels(),
    metrics,
    latencyBuckets: config.prometheus.grpcLatencyBuckets,
  });
  const hooks = createHookManager({
    access,
    voter: votes,
    spawner,
    logger,
    host: { environment, gitPath: binary.path, gitEnvironment: binary.env },
    customHooksDirectory: config.hooks.customHooksDir,
  });
  return {
    ...createArchives(config, { metrics, logger }, stack),
    git,
    hooks,
    votes,
    channels: stack.use(new ServerChannels()),
    sshProgram: sshProgramCommand(environment),
    hookStubs: await installHookStubs(join(runtimeDirectory, "hooks.d")),
    locator,
    leases: new RepositoryLeases(locator),
    repositories,
    repositoryCounter: new RepositoryCounter(metrics),
    mailmaps: new Mailmaps(),
    packObjects,
    packSharing: createPackSharing(config, packObjects, {
      path: runtimeDirectory,
      internalSocketPath,
    }),
    timeouts: config.timeout,
    logger,
    serverVersion: programVersion(),
    signer: loadSigner({
      signingKeyPath: config.git.signingKey,
      rotatedSigningKeyPaths: config.git.rotatedSigningKeys,
    }),
    signingCommitter: signingCommitter(config.git),
    findPoolUpstreams: access.poolUpstreams?.bind(access),
    poolMetadata: openPoolMetadata(config, logger, stack),
    raftClusterId: config.raft.clusterId,
    offloading: config.offloading,
    hasBackups: config.backup.goCloudUrl !== "",
    backupSink: sinkOf(config.backup, environment),
    backupMetrics: new BackupMetrics(metrics),
    bundleUris: createBundleUris(
      config,
      { git, repositories, metrics, logger, environment },
      stack,
    ),
    metrics,
    housekeeping: new Housekeeping({
      git,
      logger: logger.with({ system: "housekeeping" }),
      metrics: new HousekeepingMetrics(metrics, config.prometheus.grpcLatencyBuckets),
    }),
  };
}

function sinkOf(
  { goCloudUrl: url, bufferBytes }: BackupSettings,
  environment: RuntimeOptions["environment"],
): BackupSink | undefined {
  if (url === "") return undefined;
  try {
    return openSink(url, { environment, bufferBytes });
  } catch (error) {
    throw new Error(`resolve backup sink: ${systemErrorText(error)}`, { cause: error });
  }
}

function openPoolMetadata(
  { poolMetadata: { databasePath: path } }: Config,
  logger: Logger,
  stack: AsyncDisposableStack,
): PoolMetadataStore | undefined {
  if (path === "") return undefined;
  const store = stack.use(PoolMetadataStore.open(path));
  logger.info(`pool metadata store configured: ${path}`);
  return store;
}

function signingCommitter(git: GitSettings): SigningCommitter | undefined {
  const { committerName: name, committerEmail: email } = git;
  return name === "" || email === "" ? undefined : { name, email };
}
