import { quoteText } from "../../base/text/quote-text.ts";
import type { RepositoryService, RestoreRepositoryRequest } from "../../proto/repository_pb.ts";
import type { Call } from "../../rpc/call.ts";
import type { Handler } from "../../rpc/handler.ts";
import { failedPrecondition, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { type BackedUpRepository, BackupCatalogue } from "../../storage/backup/backup-catalogue.ts";
import {
  BackupMissingError,
  type BackupSink,
  startReading,
} from "../../storage/backup/backup-sink.ts";
import type { BackupManifest } from "../../storage/backup/manifest.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import {
  NothingToRemoveError,
  removeRepository,
} from "../../storage/repository/remove-repository.ts";
import { gitCall } from "../common/git-call.ts";
import { placeRepository } from "../common/locate-repository.ts";
import { backupName, backupStage } from "./backup-stage.ts";
import { setHooks } from "./install-custom-hooks.ts";
import {
  createMissing,
  type Restoration,
  type RestoreNeeds,
  restoreFromBundles,
  restoreFromReferences,
} from "./restore-references.ts";

type Needs = RestoreNeeds & {
  /** Undefined when the configuration doesn't say where backups go. */
  readonly backupSink: BackupSink | undefined;
};
type RestoreRepository = Handler<typeof RepositoryService.method.restoreRepository>;

/**
 * Makes a repository what it was when a backup was made: references, objects, HEAD and custom
 * hooks. Bundles are fetched only when objects are missing.
 */
export function restoreRepository(needs: Needs): RestoreRepository {
  return async (request, call) => {
    const { backupSink: sink } = needs;
    if (sink === undefined) {
      throw failedPrecondition("restore repository: server-side backups are not configured");
    }
    const { target, name } = checkRequest(needs, request);
    await backupStage(call, "restore repository", async () => {
      const backup = await findBackup({ needs, sink, target, call }, request, name);
      const options = gitCall(call);
      await restore({ needs, sink, call, options, target, backup });
    });
    return {};
  };
}

function checkRequest(
  { locator }: Needs,
  { repository, vanityRepository }: RestoreRepositoryRequest,
): { target: LocatedRepository; name: BackedUpRepository } {
  const checked = <Result>(part: string, check: () => Result): Result => {
    try {
      return check();
    } catch (error) {
      throw wrapError("invalid-argument", `restore repository: ${part}`, error);
    }
  };
  return {
    target: checked("repository", () => placeRepository(locator, repository)),
    name: checked("vanity repository", () => backupName(vanityRepository)),
  };
}

interface Search {
  readonly needs: Needs;
  readonly sink: BackupSink;
  readonly target: LocatedRepository;
  readonly call: Call;
}

/** Without any backup there was no repository, so there is none afterwards either. */
async function findBackup(
  { needs, sink, target, call }: Search,
  { backupId, useLatest }: RestoreRepositoryRequest,
  name: BackedUpRepository,
): Promise<BackupManifest> {
  const catalogue = new BackupCatalogue(sink);
  const { signal } = call;
  if (backupId !== "") {
    try {
      return await backupStage(call, "manager", () => catalogue.find(name, backupId, signal));
    } catch (error) {
      const isMissing = error instanceof RpcError && error.cause instanceof BackupMissingError;
      if (!isMissing || !useLatest) throw error;
    }
  }
  try {
    return await catalogue.findLatest(name, signal);
  } catch (error) {
    if (!(error instanceof BackupMissingError)) throw wrapError("internal", "manager", error);
    await backupStage(call, "manager: repository removed: local repository: remove", () =>
      removeExisting(needs, target),
    );
    throw error;
  }
}

async function removeExisting({ locator }: Needs, target: LocatedRepository): Promise<void> {
  try {
    await removeRepository(locator, target);
  } catch (error) {
    if (!(error instanceof NothingToRemoveError)) throw error;
  }
}

async function restore(restoration: Restoration & { readonly needs: Needs }): Promise<void> {
  const { needs, target, backup, call } = restoration;
  const last = backup.steps.at(-1);
  if (last === undefined) throw new RpcError("internal", "manager: no backup steps");
  if (backup.nonExistent) return;
  if (backup.empty) {
    await backupStage(call, "manager: recreate empty repo", async () => {
      await backupStage(call, "local repository: remove", () => removeExisting(needs, target));
      await backupStage(call, "create empty repo", () => createMissing(restoration));
    });
  } else await restoreReferences(restoration);
  await restoreHooks(restoration, last.customHooksPath);
}

/** Most restores only go back a little: nothing has to be fetched as long as no object is gone. */
async function restoreReferences(restoration: Restoration): Promise<void> {
  const { call, needs, target } = restoration;
  try {
    await restoreFromReferences(restoration);
    return;
  } catch (error) {
    call.signal.throwIfAborted();
    const { storageName: storage, relativePath } = target;
    const fields = { storage, relative_path: relativePath, error };
    needs.logger.warn("unable to reset refs. Proceeding with a normal restore", fields);
  }
  await backupStage(call, "manager: restore from bundle", () => restoreFromBundles(restoration));
}

/** Each archive has all hooks, so only the last one counts; without any they stay as they are. */
async function restoreHooks(
  { needs, sink, target, call }: Restoration,
  path: string,
): Promise<void> {
  const doing = `restore custom hooks, ${quoteText(path)}: local repository: set custom hooks`;
  let archive: AsyncIterable<Uint8Array> | undefined;
  try {
    archive = await startReading(sink.read(path, call.signal));
  } catch (error) {
    if (error instanceof BackupMissingError) return;
    throw wrapError("internal", "restore custom hooks", error);
  }
  await backupStage(call, doing, () => setHooks(needs, target, archive ?? nothing(), call));
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
