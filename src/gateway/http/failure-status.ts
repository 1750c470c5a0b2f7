import { DomainError, type ErrorKind } from "../../base/error/domain-error.ts";

/** HTTP statuses of the failures that a git client can do something about. */
const STATUS: Partial<Record<ErrorKind, number>> = {
  "not-found": 404,
  "invalid-argument": 400,
  "permission-denied": 403,
  unauthenticated: 401,
  "resource-exhausted": 429,
  unavailable: 503,
  "deadline-exceeded": 504,
};

/** Says what a client is told of a failure; whatever is not its business is a server error. */
export function failureStatus(error: unknown): { readonly status: number; readonly text: string } {
  const status = error instanceof DomainError ? STATUS[error.kind] : undefined;
  if (status === undefined || !(error instanceof DomainError)) {
    return { status: 500, text: "internal server error" };
  }
  // A server that does not accept the gateway's own token is not the client's fault.
  if (status === 401 || status === 403) return { status: 502, text: "bad gateway" };
  return { status, text: error.message };
}
