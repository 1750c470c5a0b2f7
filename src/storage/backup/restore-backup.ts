import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import { type BackedUpRepository, BackupCatalogue } from "./backup-catalogue.ts";
import { BackupMissingError, startReading } from "./backup-sink.ts";
import { BackupStageError, inStage } from "./backup-stage.ts";
import type { BackupManifest } from "./manifest.ts";
import { readReferences } from "./reference-list.ts";
import { restoreFromBundles } from "./restore-bundles.ts";
import type { RestoreBackupNeeds, RestoreTarget } from "./restore-target.ts";

/** Which backup to restore. */
export interface RestoreOrder {
  readonly name: BackedUpRepository;
  /** Empty for the latest one. */
  readonly backupId: string;
  /** Whether the latest one will do when there is none by that id. */
  readonly useLatest: boolean;
}

/**
 * Makes a repository what it was when a backup was made: references, objects, HEAD and custom
 * hooks. Bundles are fetched only when objects are missing, and only when all of them are whole;
 * nothing is changed when the archive of hooks isn't.
 *
 * @throws BackupMissingError when there is no backup; the repository is removed then, as there was
 *   none when all others were backed up
 */
export async function restoreBackup(
  needs: RestoreBackupNeeds,
  target: RestoreTarget,
  order: RestoreOrder,
): Promise<void> {
  const { signal } = needs;
  const backup = await findBackup(needs, target, order);
  const last = backup.steps.at(-1);
  if (last === undefined) throw new DomainError("unknown", "manager: no backup steps");
  if (backup.nonExistent) return;
  const hooks = last.customHooksPath;
  await withHooks(needs, hooks, (archive) => target.checkCustomHooks(archive));
  if (backup.empty) {
    await inStage("manager: recreate empty repo", signal, async () => {
      await target.remove();
      await inStage("create empty repo", signal, () => createMissing(target, backup, signal));
    });
  } else await restoreReferences(needs, target, backup, order.backupId);
  await withHooks(needs, hooks, (archive) => target.setCustomHooks(archive));
}

async function findBackup(
  { sink, signal }: RestoreBackupNeeds,
  target: RestoreTarget,
  { name, backupId, useLatest }: RestoreOrder,
): Promise<BackupManifest> {
  const catalogue = new BackupCatalogue(sink);
  if (backupId !== "") {
    try {
      return await catalogue.find(name, backupId, signal);
    } catch (error) {
      if (!(error instanceof BackupMissingError && useLatest)) {
        throw new BackupStageError("manager", error);
      }
    }
  }
  try {
    return await catalogue.findLatest(name, signal);
  } catch (error) {
    if (!(error instanceof BackupMissingError)) {
      throw new BackupStageError("manager", error);
    }
    await inStage("manager: repository removed", signal, () => target.remove());
    throw error;
  }
}

/** Most restores only go back a little: nothing has to be fetched as long as no object is gone. */
async function restoreReferences(
  needs: RestoreBackupNeeds,
  target: RestoreTarget,
  backup: BackupManifest,
  backupId: string,
): Promise<void> {
  const { signal, logger } = needs;
  try {
    await restoreFromReferences(needs, target, backup);
    return;
  } catch (error) {
    signal.throwIfAborted();
    const { storageName: storage, relativePath } = target;
    const fields = { storage, relative_path: relativePath, backup_id: backupId, error };
    logger.warn("unable to reset refs. Proceeding with a normal restore", fields);
  }
  const doing = "manager: restore from bundle";
  await inStage(doing, signal, () =>
    restoreFromBundles(needs, target, backup, () => createMissing(target, backup, signal)),
  );
}

/** Sets references and HEAD to those of a backup; fails when objects are missing. */
async function restoreFromReferences(
  { sink, signal }: RestoreBackupNeeds,
  target: RestoreTarget,
  { steps, headReference }: BackupManifest,
): Promise<void> {
  const path = steps.at(-1)?.refPath ?? "";
  const references = await inStage("read refs from backup", signal, () =>
    readReferences(sink, path, signal),
  );
  if (references.length === 0) throw new DomainError("unknown", "no refs in backup");
  await inStage("reset refs", signal, () =>
    target.resetReferences(references, { knownOnly: false }),
  );
  if (headReference === "") {
    throw new DomainError("unknown", "expected HEAD to be a symbolic reference");
  }
  await target.setHead(headReference);
}

/** Makes an empty repository with a backup's object format and HEAD, unless there is one. */
async function createMissing(
  target: RestoreTarget,
  backup: BackupManifest,
  signal: AbortSignal,
): Promise<void> {
  if (await target.exists()) return;
  const format = await inStage("get object hash", signal, () => formatOf(backup));
  await inStage("create repository", signal, () => target.create(format, branchOf(backup)));
}

function formatOf({ objectFormat }: BackupManifest): ObjectFormat {
  if (objectFormat === "sha1" || objectFormat === "sha256") return objectFormat;
  throw new DomainError("unknown", `unknown object format: ${quoteText(objectFormat)}`);
}

const BRANCHES = "refs/heads/";

function branchOf({ headReference }: BackupManifest): string | undefined {
  return headReference.startsWith(BRANCHES) ? headReference.slice(BRANCHES.length) : undefined;
}

/** Each archive has all hooks, so only the last one counts; without any they stay as they are. */
async function withHooks(
  { sink, signal }: RestoreBackupNeeds,
  path: string,
  use: (archive: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  let archive: AsyncIterable<Uint8Array> | undefined;
  try {
    archive = await startReading(sink.read(path, signal));
  } catch (error) {
    if (error instanceof BackupMissingError) return;
    signal.throwIfAborted();
    throw new BackupStageError("restore custom hooks", error);
  }
  await inStage(`restore custom hooks, ${quoteText(path)}`, signal, () =>
    use(archive ?? nothing()),
  );
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
