import type { RepositoryService, RestoreRepositoryRequest } from "../../proto/repository_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, wrapError } from "../../rpc/rpc-error.ts";
import type { BackedUpRepository } from "../../storage/backup/backup-catalogue.ts";
import type { BackupSink } from "../../storage/backup/backup-sink.ts";
import { restoreBackup } from "../../storage/backup/restore-backup.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import { placeRepository } from "../common/locate-repository.ts";
import { backupCall, backupName } from "./backup-call.ts";
import { LocalRestoreTarget, type RestoreNeeds } from "./local-restore-target.ts";

type Needs = RestoreNeeds & {
  /** Undefined when the configuration doesn't say where backups go. */
  readonly backupSink: BackupSink | undefined;
};
type RestoreRepository = Handler<typeof RepositoryService.method.restoreRepository>;

/**
 * Makes a repository what it was when a backup was made: references, objects, HEAD and custom
 * hooks.
 */
export function restoreRepository(needs: Needs): RestoreRepository {
  return async (request, call) => {
    const { backupSink: sink, logger } = needs;
    if (sink === undefined) {
      throw failedPrecondition("restore repository: server-side backups are not configured");
    }
    const { place, name } = checkRequest(needs, request);
    const target = new LocalRestoreTarget(needs, place, call);
    const { backupId, useLatest } = request;
    const { signal } = call;
    await backupCall("restore repository", signal, () =>
      restoreBackup({ sink, logger, signal }, target, { name, backupId, useLatest }),
    );
    return {};
  };
}

function checkRequest(
  { locator }: Needs,
  { repository, vanityRepository }: RestoreRepositoryRequest,
): { place: LocatedRepository; name: BackedUpRepository } {
  const checked = <Result>(part: string, check: () => Result): Result => {
    try {
      return check();
    } catch (error) {
      throw wrapError("invalid-argument", `restore repository: ${part}`, error);
    }
  };
  return {
    place: checked("repository", () => placeRepository(locator, repository)),
    name: checked("vanity repository", () => backupName(vanityRepository)),
  };
}
