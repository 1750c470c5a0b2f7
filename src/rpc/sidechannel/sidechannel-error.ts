import { DomainError } from "../../base/error/domain-error.ts";

/** A sidechannel could not be opened, or its bytes break the framing. The caller knows the kind. */
export class SidechannelError extends DomainError {
  /** True when the whole call may well succeed if it is made again. */
  readonly retryable: boolean;

  constructor(message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super("unknown", `sidechannel: ${message}`, { cause: options.cause });
    this.retryable = options.retryable ?? false;
  }
}
