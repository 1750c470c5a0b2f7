import { DomainError } from "../../base/error/domain-error.ts";

/** Git printed a difference in a form that isn't known. The message is one that clients may know. */
export class DiffFormatError extends DomainError {
  constructor(message: string) {
    super("unknown", message);
  }
}

/** A difference, or a line of it, is too large to be held in memory. */
export class DiffTooLargeError extends DomainError {
  constructor(bytesMax: number) {
    super("resource-exhausted", "difference is too large", { metadata: { bytes_max: bytesMax } });
  }
}
