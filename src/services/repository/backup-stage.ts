import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import type { Call } from "../../rpc/call.ts";
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

/** Does a part of making or restoring a backup; its failure says which part it was. */
export async function backupStage<Result>(
  call: Call,
  doing: string,
  step: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof DomainError) throw wrapError("internal", doing, error);
    throw internal(`${doing}: ${systemErrorText(error)}`, { cause: error });
  }
}
