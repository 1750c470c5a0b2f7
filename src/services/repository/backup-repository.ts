import type { GitRunner } from "../../gitcmd/git-runner.ts";
import type { RepositoryService } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, invalidArgument } from "../../rpc/rpc-error.ts";
import type { BackupMetrics } from "../../storage/backup/backup-metrics.ts";
import type { BackupSink } from "../../storage/backup/backup-sink.ts";
import { createBackup } from "../../storage/backup/create-backup.ts";
import { placeRepository } from "../common/locate-repository.ts";
import type { ReadNeeds } from "../common/open-repository.ts";
import { backupCall, backupName } from "./backup-call.ts";
import { LocalBackupSource } from "./local-backup-source.ts";

type Needs = ReadNeeds & {
  readonly git: GitRunner;
  /** Undefined when the configuration doesn't say where backups go. */
  readonly backupSink: BackupSink | undefined;
  readonly backupMetrics: BackupMetrics;
};
type BackupRepository = Handler<typeof RepositoryService.method.backupRepository>;

/**
 * Stores a repository's references, objects, HEAD and custom hooks in the configured place: all of
 * them, or what is new since an earlier backup.
 */
export function backupRepository(needs: Needs): BackupRepository {
  return async (request, call) => {
    const { backupSink: sink, backupMetrics: metrics, locator } = needs;
    if (sink === undefined) {
      throw failedPrecondition("backup repository: server-side backups are not configured");
    }
    const { repository, backupId, latestBackupId, incremental } = request;
    if (backupId === "") throw invalidArgument("empty BackupId");
    placeRepository(locator, repository);
    const name = backupName(request.vanityRepository);
    const source = new LocalBackupSource(needs, repository, call);
    const order = { name, backupId, latestBackupId, incremental };
    const { signal } = call;
    await backupCall("backup repository", signal, () =>
      createBackup({ sink, metrics, signal }, source, order),
    );
    return {};
  };
}
