import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { internal, invalidArgument, wrapError } from "../../rpc/rpc-error.ts";
import type { BackedUpRepository } from "../../storage/backup/backup-catalogue.ts";

/** The name that a repository's backups have; it needn't be one that this server knows. */
export function backupName(name: BackedUpRepository | undefined): BackedUpRepository {
  if (name === undefined || (name.storageName === "" && name.relativePath === "")) {
    throw invalidArgument("repository not set");
  }
  if (name.relativePath === "") throw invalidArgument("repository path not set");
  return name;
}

/** Makes or restores a backup; a failure says so, and is internal when nobody knows better. */
export async function backupCall(
  doing: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DomainError) throw wrapError("internal", doing, error);
    throw internal(`${doing}: ${systemErrorText(error)}`, { cause: error });
  }
}
