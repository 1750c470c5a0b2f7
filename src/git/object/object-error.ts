import { DomainError, type DomainErrorOptions } from "../../base/error/domain-error.ts";

/**
 * Bytes in the object store contradict git's formats, or each other.
 *
 * Thrown for a damaged object, pack, index or commit-graph. Another copy of the object, or git
 * itself, may still be able to answer.
 */
export class CorruptObjectError extends DomainError {
  constructor(message: string, options: DomainErrorOptions = {}) {
    super("internal", message, options);
  }
}

/** An object that has to be there isn't, for example the parent of a commit. */
export class ObjectNotFoundError extends DomainError {
  constructor(oid: string, options: DomainErrorOptions = {}) {
    super("not-found", "object not found", { ...options, metadata: { ...options.metadata, oid } });
  }
}

/** The object is larger than its reader is willing to hold in memory. Streaming it may work. */
export class ObjectTooLargeError extends DomainError {
  /** Length of the object's content in bytes. */
  readonly size: number;

  constructor(size: number, bytesMax: number) {
    super("resource-exhausted", "object is too large", {
      metadata: { size, bytes_max: bytesMax },
    });
    this.size = size;
  }
}

/** The object is there, but it is of another type than its user needs. */
export class UnexpectedObjectTypeError extends DomainError {
  constructor(oid: string, expected: string, actual: string) {
    super("invalid-argument", "object has an unexpected type", {
      metadata: { oid, expected, actual },
    });
  }
}
