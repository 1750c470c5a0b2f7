import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";

/** A repository couldn't be looked at. The message tells what was being done, from large to small. */
export class InspectionError extends DomainError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super("unknown", message, options);
  }
}

/** Does some work and, when that fails, says that it was done. */
export function during<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw failed(doing, error);
  }
}

/** As `during`, for work that takes its time. An abort is passed on as it is. */
export async function duringAsync<T>(
  doing: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? error : failed(doing, error);
  }
}

function failed(doing: string, cause: unknown): InspectionError {
  return new InspectionError(`${doing}: ${systemErrorText(cause)}`, { cause });
}
