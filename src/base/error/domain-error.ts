/**
 * What went wrong, in the words of the gRPC status codes but independent of the transport.
 *
 * `rpc/status` maps each kind to the number that a client sees.
 */
export type ErrorKind =
  | "cancelled"
  | "unknown"
  | "invalid-argument"
  | "deadline-exceeded"
  | "not-found"
  | "already-exists"
  | "permission-denied"
  | "resource-exhausted"
  | "failed-precondition"
  | "aborted"
  | "out-of-range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data-loss"
  | "unauthenticated";

/** Facts about a failure for the log; never sent to a client. Keys are snake_case. */
export type ErrorMetadata = Readonly<Record<string, string | number | boolean | undefined>>;

export interface DomainErrorOptions {
  readonly cause?: unknown;
  readonly metadata?: ErrorMetadata | undefined;
}

/**
 * A failure that its thrower has understood and named.
 *
 * Subclasses name what happened (`RepositoryNotFoundError`) and choose the kind. The message is a
 * lower-case statement that a client may see; values that only the log should hold go into
 * `metadata`.
 */
export class DomainError extends Error {
  readonly kind: ErrorKind;
  readonly metadata: ErrorMetadata;

  constructor(kind: ErrorKind, message: string, options: DomainErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.kind = kind;
    this.metadata = options.metadata ?? {};
  }
}
