import { hash } from "node:crypto";
import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { settleObjects } from "../../git/object/held-objects.ts";
import { PathEscapesRootError } from "./locator-errors.ts";
import { type LocatedRepository, type RepositoryLocator, within } from "./repository-locator.ts";

/** A request needs the object directory that it is about and doesn't name it. */
export class ObjectDirectoryNotSetError extends DomainError {
  constructor() {
    super("invalid-argument", "object directory path is not set");
  }
}

/** There is nothing at the path of an object directory. */
export class ObjectDirectoryNotFoundError extends DomainError {
  constructor(path: string) {
    super("not-found", `object directory does not exist: ${quoteText(path)}`);
  }
}

/** How a transaction calls the quarantine that it lays over a repository. */
const TRANSACTION_QUARANTINE = "quarantine";

/** How git calls the quarantines that it makes itself. */
const GIT_QUARANTINE_PREFIX = "tmp_objdir";

/**
 * Finds the object directory that a request means by `objectDirectory`, a path from the repository.
 *
 * It has to belong to the repository: it lies within, or is one of its quarantines among the
 * storage's temporary files, or is a transaction's quarantine (of which git may have made another).
 *
 * @throws ObjectDirectoryNotSetError, PathEscapesRootError, ObjectDirectoryNotFoundError
 */
export function findObjectDirectory(
  locator: RepositoryLocator,
  repository: LocatedRepository,
  objectDirectory: string,
): string {
  if (objectDirectory === "") throw new ObjectDirectoryNotSetError();
  const path = withinRoot(repository.storagePath, repository, objectDirectory);
  const folder = locator.temporaryFolder(repository.storageName);
  const ownQuarantine = join(folder, quarantinePrefix(repository.relativePath));
  if (!isTransactionQuarantine(path) && !path.startsWith(ownQuarantine)) {
    withinRoot(repository.path, repository, objectDirectory);
  }
  settleObjects(path);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new ObjectDirectoryNotFoundError(path);
  }
  return path;
}

/**
 * What the names of a repository's quarantines start with, so that they can be told from those of
 * other repositories.
 */
export function quarantinePrefix(relativePath: string): string {
  return `quarantine-${hash("sha1", relativePath, "hex").slice(0, 16)}-`;
}

function isTransactionQuarantine(path: string): boolean {
  const name = basename(path);
  if (name === TRANSACTION_QUARANTINE) return true;
  const parent = basename(dirname(path));
  return parent === TRANSACTION_QUARANTINE && name.startsWith(GIT_QUARANTINE_PREFIX);
}

/** As `within`, with the words that clients know for object directories. */
function withinRoot(root: string, { path }: LocatedRepository, objectDirectory: string): string {
  try {
    return within(root, path, objectDirectory);
  } catch (error) {
    if (!(error instanceof PathEscapesRootError)) throw error;
    const message = `not a valid relative path: ${error.message}`;
    throw new PathEscapesRootError(objectDirectory, message);
  }
}
