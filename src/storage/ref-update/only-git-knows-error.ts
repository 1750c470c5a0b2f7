import { DomainError } from "../../base/error/domain-error.ts";

/**
 * Something is left to git, either to do it or to say in its words why it doesn't.
 *
 * Never reaches a caller: whoever starts transactions begins again with a git process.
 */
export class OnlyGitKnowsError extends DomainError {
  constructor(message: string, cause?: unknown) {
    super("internal", message, { cause });
  }
}
