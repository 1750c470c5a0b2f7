import { DomainError, type DomainErrorOptions } from "../../base/error/domain-error.ts";

/** The other side broke git's wire format: a bad length, a stream cut short, an unknown band. */
export class ProtocolError extends DomainError {
  constructor(message: string, options: DomainErrorOptions = {}) {
    super("invalid-argument", message, options);
  }
}
