import { DomainError, type ErrorKind } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";

/** A part of making or restoring a backup has failed; the message says which. */
export class BackupStageError extends DomainError {
  constructor(doing: string, cause: unknown) {
    const kind: ErrorKind = cause instanceof DomainError ? cause.kind : "unknown";
    super(kind, `${doing}: ${systemErrorText(cause)}`, { cause });
  }
}

/** Does a part of making or restoring a backup; its failure says which part it was. */
export async function inStage<Result>(
  doing: string,
  signal: AbortSignal,
  step: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    signal.throwIfAborted();
    throw new BackupStageError(doing, error);
  }
}
