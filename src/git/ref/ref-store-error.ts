import { DomainError, type DomainErrorOptions } from "../../base/error/domain-error.ts";

/** The files that hold a repository's references are damaged in a way on which git gives up. */
export class CorruptRefStoreError extends DomainError {
  constructor(message: string, options: DomainErrorOptions = {}) {
    super("internal", message, options);
  }
}

/** The operating system refused to read the files that hold a repository's references. */
export class UnreadableRefStoreError extends DomainError {
  constructor(path: string, cause: unknown) {
    super("internal", "unable to read references", { cause, metadata: { path } });
  }
}
