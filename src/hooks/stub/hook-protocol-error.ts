import { DomainError } from "../../base/error/domain-error.ts";

/** What came over a hook's channel is not what a hook says. */
export class HookProtocolError extends DomainError {
  constructor(message: string, metadata: Readonly<Record<string, string | number>> = {}) {
    super("internal", message, { metadata });
  }
}

/** The hook's process, or the git that has started it, is gone. */
export class HookGoneError extends DomainError {
  constructor() {
    super("cancelled", "hook is gone");
  }
}
