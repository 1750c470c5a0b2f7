import type { Logger } from "../../base/log/logger.ts";
import type { GitalyServer } from "../../services/common/gitaly-servers.ts";
import { readLatestBackupId, writeBackupId } from "../../storage/backup/backup-ids.ts";
import type { BackupMetrics } from "../../storage/backup/backup-metrics.ts";
import type { BackupSink } from "../../storage/backup/backup-sink.ts";
import { BackupStageError, inStage } from "../../storage/backup/backup-stage.ts";
import { createBackup } from "../../storage/backup/create-backup.ts";
import { restoreBackup } from "../../storage/backup/restore-backup.ts";
import type {
  BackupOperator,
  CreateRequest,
  RemoteAddress,
  RestoreRequest,
} from "./backup-operator.ts";
import type { KnownServers } from "./known-servers.ts";
import { RemoteBackupSource } from "./remote-backup-source.ts";
import { RemoteRepository } from "./remote-repository.ts";
import { RemoteRestoreTarget } from "./remote-restore-target.ts";

interface Needs {
  readonly servers: KnownServers;
  readonly sink: BackupSink;
  readonly logger: Logger;
  readonly metrics: BackupMetrics;
}

/** Makes and restores backups by itself, through what servers offer to all clients. */
export class ClientSideOperator implements BackupOperator {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async create(request: CreateRequest, signal: AbortSignal): Promise<void> {
    const { sink, metrics } = this.#needs;
    const { repository: name, backupId, latestBackupId, incremental } = request;
    const source = new RemoteBackupSource(this.#open(request, signal));
    const order = { name, backupId, latestBackupId, incremental };
    await createBackup({ sink, metrics, signal }, source, order);
  }

  async restore(request: RestoreRequest, signal: AbortSignal): Promise<void> {
    const { sink, logger } = this.#needs;
    const { repository: name, backupId, useLatest } = request;
    const target = new RemoteRestoreTarget(this.#open(request, signal));
    await restoreBackup({ sink, logger, signal }, target, { name, backupId, useLatest });
  }

  async writeBackupId(backupId: string, signal: AbortSignal): Promise<void> {
    await inStage("write backup marker", signal, () =>
      writeBackupId(this.#needs.sink, backupId, signal),
    );
  }

  async readLatestBackupId(signal: AbortSignal): Promise<string | undefined> {
    return inStage("find latest backup ID", signal, () =>
      readLatestBackupId(this.#needs.sink, signal),
    );
  }

  #open(
    { server, repository }: { readonly server: GitalyServer; readonly repository: RemoteAddress },
    signal: AbortSignal,
  ): RemoteRepository {
    try {
      const channel = this.#needs.servers.channel(server, repository.storageName);
      return new RemoteRepository(repository, channel, signal);
    } catch (error) {
      throw new BackupStageError("manager", error);
    }
  }
}
