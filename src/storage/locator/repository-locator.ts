import { existsSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { settleObjects } from "../../git/object/held-objects.ts";
import {
  PathEscapesRootError,
  RepositoryNotFoundError,
  RepositoryNotSetError,
  RepositoryNotValidError,
  StorageMissingError,
  StorageNotFoundError,
} from "./locator-errors.ts";

/** The part of the protocol's Repository message that says where a repository is. */
export interface RepositoryAddress {
  readonly storageName: string;
  readonly relativePath: string;
  readonly gitObjectDirectory?: string;
  readonly gitAlternateObjectDirectories?: readonly string[];
  readonly glRepository?: string;
  readonly glProjectPath?: string;
}

/** A repository's place on disk; all paths are absolute and below the storage's root. */
export interface LocatedRepository {
  readonly path: string;
  readonly storageName: string;
  readonly storagePath: string;
  readonly relativePath: string;
  readonly glRepository: string;
  readonly glProjectPath: string;
  /** Where new objects go while a change is in quarantine. */
  readonly objectDirectory?: string;
  /** Where else objects are looked for while a change is in quarantine. */
  readonly alternateObjectDirectories?: readonly string[];
}

/** What a directory must hold for git to take it for a repository. */
const GIT_DIRECTORY_ENTRIES = ["objects", "refs", "HEAD"] as const;

/** Below each storage, the folder that holds what is not a repository. */
const DATA_FOLDER = "+gitaly";

/** Finds repositories below the configured storages. Paths are compared as text, links are followed. */
export class RepositoryLocator {
  readonly #storages: ReadonlyMap<string, string>;

  /** @param storages absolute path without trailing slash of each storage, by its name */
  constructor(storages: ReadonlyMap<string, string>) {
    this.#storages = storages;
  }

  /** Names of the configured storages in the order of the configuration. */
  get storageNames(): readonly string[] {
    return [...this.#storages.keys()];
  }

  /**
   * Finds an existing repository.
   *
   * @throws RepositoryNotSetError, StorageNotFoundError, StorageMissingError, PathEscapesRootError,
   *   RepositoryNotFoundError, RepositoryNotValidError
   */
  locate(address: RepositoryAddress | undefined): LocatedRepository {
    const repository = this.place(address);
    checkGitDirectory(repository);
    return repository;
  }

  /** Like `locate`, but for a place where a repository may or may not be. */
  place(address: RepositoryAddress | undefined): LocatedRepository {
    if (address === undefined || (address.storageName === "" && address.relativePath === "")) {
      throw new RepositoryNotSetError("repository not set");
    }
    const { storageName, relativePath } = address;
    if (relativePath === "") throw new RepositoryNotSetError("repository path not set");
    const storagePath = this.storagePath(storageName);
    if (!exists(storagePath)) throw new StorageMissingError(storageName);
    const path = within(storagePath, storagePath, relativePath);
    return {
      path,
      storageName,
      storagePath,
      relativePath,
      glRepository: address.glRepository ?? "",
      glProjectPath: address.glProjectPath ?? "",
      ...objectDirectories(storagePath, path, address),
    };
  }

  /** The root of a storage; it need not exist. */
  storagePath(storageName: string): string {
    if (storageName === "") throw new RepositoryNotSetError("storage name not set");
    const path = this.#storages.get(storageName);
    if (path === undefined) throw new StorageNotFoundError(storageName);
    return path;
  }

  /** Where a storage keeps what is being built and not yet part of a repository. */
  temporaryFolder(storageName: string): string {
    return join(this.storagePath(storageName), DATA_FOLDER, "tmp");
  }

  /** Where a storage keeps what can be made again. */
  cacheFolder(storageName: string): string {
    return join(this.storagePath(storageName), DATA_FOLDER, "cache");
  }

  /** Where processes that share a storage tell each other of changes, see `RepositoryLeases`. */
  stateFolder(storageName: string): string {
    return join(this.storagePath(storageName), DATA_FOLDER, "state");
  }
}

/**
 * Joins `relativePath` to `base` and refuses what does not stay within `root`.
 *
 * @returns the cleaned absolute path without trailing slash
 */
export function within(root: string, base: string, relativePath: string): string {
  const joined = join(base, relativePath);
  const path = joined.length > 1 && joined.endsWith(sep) ? joined.slice(0, -1) : joined;
  if (path.includes("\0") || (path !== root && !path.startsWith(root + sep))) {
    throw new PathEscapesRootError(relativePath);
  }
  return path;
}

function objectDirectories(
  storagePath: string,
  path: string,
  { gitObjectDirectory = "", gitAlternateObjectDirectories = [] }: RepositoryAddress,
): Partial<LocatedRepository> {
  return {
    ...(gitObjectDirectory !== "" && {
      objectDirectory: within(storagePath, path, gitObjectDirectory),
    }),
    ...(gitAlternateObjectDirectories.length > 0 && {
      alternateObjectDirectories: gitAlternateObjectDirectories.map((directory) => {
        const alternate = within(storagePath, path, directory);
        // Whatever isn't there is no alternate.
        settleObjects(alternate);
        return alternate;
      }),
    }),
  };
}

function checkGitDirectory({ path, storageName, relativePath }: LocatedRepository): void {
  const metadata = { storage_name: storageName, relative_path: relativePath };
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new RepositoryNotFoundError(metadata);
  if (!stats.isDirectory()) {
    throw new DomainError("unknown", "validate git directory: not a directory", { metadata });
  }
  for (const entry of GIT_DIRECTORY_ENTRIES) {
    if (!exists(`${path}/${entry}`)) throw new RepositoryNotValidError(entry, metadata);
  }
}

function exists(path: string): boolean {
  // A handful of these per request: asking synchronously costs a tenth of a trip to the thread pool,
  // and whether something exists a third of what it is. Why it seems not to, only the latter tells.
  return existsSync(path) || statSync(path, { throwIfNoEntry: false }) !== undefined;
}
