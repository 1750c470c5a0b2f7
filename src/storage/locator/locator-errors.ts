import { DomainError, type ErrorMetadata } from "../../base/error/domain-error.ts";

/** The request names no repository at all, or leaves out a part of its name. */
export class RepositoryNotSetError extends DomainError {
  constructor(message: string) {
    super("invalid-argument", message);
  }
}

/** The storage that a request names is not configured. */
export class StorageNotFoundError extends DomainError {
  constructor(storageName: string) {
    super("invalid-argument", "storage name not found", {
      metadata: { storage_name: storageName },
    });
  }
}

/** The directory of a configured storage is missing. */
export class StorageMissingError extends DomainError {
  constructor(storageName: string) {
    super("not-found", "storage does not exist", { metadata: { storage_name: storageName } });
  }
}

/** A relative path points out of the directory that it has to stay in. */
export class PathEscapesRootError extends DomainError {
  constructor(relativePath: string, message = "relative path escapes root directory") {
    super("invalid-argument", message, { metadata: { relative_path: relativePath } });
  }
}

/** There is nothing at the repository's path. */
export class RepositoryNotFoundError extends DomainError {
  constructor(metadata: ErrorMetadata) {
    super("not-found", "repository not found", { metadata });
  }
}

/** What is at the repository's path is no git directory. */
export class RepositoryNotValidError extends DomainError {
  constructor(missingEntry: string, metadata: ErrorMetadata) {
    super("failed-precondition", `repository not valid: "${missingEntry}" does not exist`, {
      metadata,
    });
  }
}
