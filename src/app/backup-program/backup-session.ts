import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { Logger } from "../../base/log/logger.ts";
import { MetricRegistry } from "../../base/metric/metric-registry.ts";
import { BackupMetrics } from "../../storage/backup/backup-metrics.ts";
import { openSink } from "../../storage/backup/open-sink.ts";
import type { Invocation } from "../cli/command.ts";
import type { BackupOperator } from "./backup-operator.ts";
import { BackupPipeline } from "./backup-pipeline.ts";
import { ClientSideOperator } from "./client-side-operator.ts";
import type { KnownServers } from "./known-servers.ts";
import { ServerSideOperator } from "./server-side-operator.ts";

/** A run of a command, with what its parts need. */
export interface BackupSession {
  readonly invocation: Invocation;
  readonly logger: Logger;
  readonly servers: KnownServers;
}

/** Chooses who makes and restores the backups of a run. */
export function openOperator(
  { invocation, logger, servers }: BackupSession,
  name: "create" | "restore",
): BackupOperator {
  const { flags, environment } = invocation;
  const path = flags.text("path");
  if (flags.truth("server-side")) {
    if (path !== "") throw new Error(`${name}: path cannot be used with server-side backups`);
    return new ServerSideOperator(servers);
  }
  try {
    if (path === "") throw new Error(NO_PATH);
    const sink = openSink(path, { environment, bufferBytes: 0 });
    const metrics = new BackupMetrics(new MetricRegistry());
    return new ClientSideOperator({ servers, sink, logger, metrics });
  } catch (error) {
    throw new Error(`${name}: resolve sink: ${systemErrorText(error)}`, { cause: error });
  }
}

const NO_PATH =
  "failed to create object storage sink: creating sink directory: mkdir : no such file or directory";

export function openPipeline(
  { invocation, logger }: BackupSession,
  name: "create" | "restore",
): BackupPipeline {
  const parallel = invocation.flags.number("parallel");
  const parallelPerStorage = invocation.flags.number("parallel-storage");
  return new BackupPipeline({ logger, name, parallel, parallelPerStorage });
}

/** The latest run over all repositories; empty when there is none, or nobody can tell. */
export async function latestRun(
  operator: BackupOperator,
  { logger, invocation }: BackupSession,
): Promise<string> {
  try {
    return (await operator.readLatestBackupId(invocation.signal)) ?? "";
  } catch (error) {
    invocation.signal.throwIfAborted();
    const message = "read latest backup ID failed, will fallback to individual repository lookups";
    logger.warn(message, { error: systemErrorText(error) });
    return "";
  }
}
