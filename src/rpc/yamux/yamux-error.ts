import { DomainError } from "../../base/error/domain-error.ts";

/** The other side broke the protocol; the session has ended. */
export class YamuxProtocolError extends DomainError {
  constructor(violation: string) {
    super("internal", "yamux: protocol error", { metadata: { violation } });
  }
}

/** The session has ended, or takes no further streams. */
export class YamuxSessionClosedError extends DomainError {
  constructor(options: { cause?: unknown } = {}) {
    super("unavailable", "session shutdown", options);
  }
}

/** The other side has thrown the stream away; what was on its way is lost. */
export class YamuxStreamResetError extends DomainError {
  constructor() {
    super("unavailable", "connection reset");
  }
}
