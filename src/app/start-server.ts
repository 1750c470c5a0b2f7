import { calibrateLimits } from "../base/limit/calibrate-limits.ts";
import type { Logger } from "../base/log/logger.ts";
import { MetricRegistry } from "../base/metric/metric-registry.ts";
import { defineProcessMetrics } from "../base/metric/process-metrics.ts";
import { RpcLimits } from "../rpc/interceptor/limit/rpc-limits.ts";
import { ConnectionMetrics } from "../rpc/listener/connection-metrics.ts";
import { type Listener, listen } from "../rpc/listener/listener.ts";
import { GrpcServer } from "../rpc/server/grpc-server.ts";
import { ensureStorageMetadata } from "../storage/metadata/storage-metadata.ts";
import { defineAbsentMetrics } from "./absent-metrics.ts";
import { openAccessCheck } from "./access/open-internal-api.ts";
import type { Config } from "./config/config.ts";
import { createRuntimeDirectory, pruneRuntimeDirectories } from "./config/runtime-directory.ts";
import { configuredEndpoints } from "./endpoints.ts";
import { buildInterceptors } from "./interceptors.ts";
import { cleanDiskCaches } from "./maintenance/clean-disk-caches.ts";
import { cleanTemporaryFolders } from "./maintenance/clean-temporary-folders.ts";
import { runDailyMaintenance } from "./maintenance/daily-maintenance.ts";
import { HousekeepingSchedule } from "./maintenance/housekeeping-schedule.ts";
import { defineBuildInfo, startMonitoring } from "./monitoring.ts";
import { programVersion } from "./program-version.ts";
import { buildRuntime, type Runtime, type RuntimeOptions } from "./runtime.ts";
import { buildServices } from "./services.ts";

export type StartOptions = Pick<RuntimeOptions, "logger" | "environment" | "signal">;

/** A server that takes calls. Closing it waits for the calls in progress, within the limit. */
export interface RunningServer extends AsyncDisposable {
  /** The port of the first TCP endpoint, when there is one. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** Builds every part of the server once, in order, and starts to listen. */
export async function startServer(config: Config, options: StartOptions): Promise<RunningServer> {
  const { logger, environment } = options;
  await using stack = new AsyncDisposableStack();
  if (config.runtimeDir !== "") await pruneRuntimeDirectories(config.runtimeDir, logger);
  const { path: runtimeDirectory, internalSocketPath } = stack.use(
    await createRuntimeDirectory(config.runtimeDir, process.pid),
  );
  await identifyStorages(config, options.logger);
  const metrics = new MetricRegistry();
  const access = await openAccessCheck(config, { logger, metrics });
  stack.defer(async () => access[Symbol.asyncDispose]?.());
  const shared = { ...options, runtimeDirectory, internalSocketPath, access, metrics };
  const runtime = await buildRuntime(config, shared, stack);
  await describeProcess(metrics, runtime);
  const services = buildServices(runtime);
  const limits = new RpcLimits({
    concurrency: config.concurrency,
    metrics,
    latencyBuckets: config.prometheus.grpcLatencyBuckets,
  });
  const allLimits = [...limits.limits, ...runtime.packObjects.limits.limits];
  stack.use(calibrateLimits(allLimits, { metrics, logger }));
  const schedule = startMaintenance(config, runtime, stack);
  const { leases } = runtime;
  const settings = { config, services, limits, schedule, leases, metrics, logger, environment };
  const grpc = new GrpcServer({ services, interceptors: buildInterceptors(settings) });
  const listeners: Listener[] = [];
  stack.defer(async () => {
    for (const listener of listeners) listener.stopAccepting();
    await grpc.close(config.gracefulRestartTimeoutMs);
    await Promise.all(listeners.map((listener) => listener.close()));
  });
  const connections = new ConnectionMetrics(metrics);
  const internal = { kind: "unix", path: internalSocketPath } as const;
  for (const endpoint of [internal, ...(await configuredEndpoints(config))]) {
    const onConnection = grpc.accept.bind(grpc);
    listeners.push(await listen(endpoint, { onConnection, log: logger, metrics: connections }));
  }
  if (config.prometheusListenAddr !== "") {
    stack.use(await startMonitoring(config.prometheusListenAddr, metrics));
  }
  const owned = stack.move();
  return {
    port: listeners.find(({ port }) => port !== undefined)?.port,
    close: () => owned.disposeAsync(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Has repositories tidied, those that calls write to and all of them once a day, and storages. */
function startMaintenance(
  { dailyMaintenance: settings, storages }: Config,
  { locator, housekeeping, repositoryCounter, metrics, logger }: Runtime,
  stack: AsyncDisposableStack,
): HousekeepingSchedule {
  const schedule = stack.use(new HousekeepingSchedule({ locator, housekeeping, logger }));
  const ending = new AbortController();
  const running = [
    cleanTemporaryFolders({ locator, storages, logger }, ending.signal),
    repositoryCounter.countAll({ locator, storages, logger }, ending.signal),
    cleanDiskCaches({ locator, storages, metrics, logger }, ending.signal),
  ];
  if (!settings.disabled && settings.durationMs > 0) {
    const needs = { locator, housekeeping, logger, settings };
    running.push(runDailyMaintenance(needs, ending.signal));
  }
  stack.defer(async () => {
    ending.abort();
    await Promise.all(running);
  });
  return schedule;
}

/** A storage that can't be written to is still served. */
async function identifyStorages({ storages }: Config, logger: Logger): Promise<void> {
  for (const { path } of storages) {
    try {
      await ensureStorageMetadata(path);
    } catch (error) {
      logger.error("Unable to write gitaly metadata file", { error });
    }
  }
}

async function describeProcess(metrics: MetricRegistry, { git }: Runtime): Promise<void> {
  defineProcessMetrics(metrics);
  defineAbsentMetrics(metrics);
  const { text: gitVersion } = await git.version();
  defineBuildInfo(metrics, { version: programVersion(), gitVersion });
}
