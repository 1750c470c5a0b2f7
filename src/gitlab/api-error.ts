import { DomainError } from "../base/error/domain-error.ts";

/** GitLab could not be asked, or has refused to answer. The message may be shown to the pusher. */
export class ApiError extends DomainError {
  constructor(message: string, cause?: unknown) {
    super("internal", message, cause === undefined ? {} : { cause });
  }
}

/** Says what was asked when `cause` happened. */
export function apiError(doing: string, cause: unknown): ApiError {
  return new ApiError(cause instanceof DomainError ? `${doing}: ${cause.message}` : doing, cause);
}
