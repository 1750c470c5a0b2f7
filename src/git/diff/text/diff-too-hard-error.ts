import { DomainError } from "../../../base/error/domain-error.ts";

/** Why a comparison is left to git. */
export type HardReason =
  /** A file has more bytes or lines than are compared here. */
  | "large-file"
  /** Both files differ so much, or so oddly, that finding the changes would take long. */
  | "large-difference"
  /** Which line is a function's can't be told for sure. */
  | "function-line"
  /** An object is missing, damaged or not what it should be; git words that. */
  | "unreadable-object"
  /** Attributes that aren't understood here. */
  | "attributes";

/** A comparison isn't done in this process. Git can do it, in a process of its own. */
export class DiffTooHardError extends DomainError {
  readonly reason: HardReason;

  constructor(reason: HardReason, cause?: unknown) {
    super("resource-exhausted", "comparison is left to git", { cause, metadata: { reason } });
    this.reason = reason;
  }
}
