import { type Dirent, statSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { isMissing, systemErrorText } from "../../base/error/system-error-text.ts";
import type { RepositoryLocator } from "../locator/repository-locator.ts";

/** A folder of a storage can't be read. */
export class WalkError extends DomainError {
  constructor(cause: unknown) {
    super("internal", systemErrorText(cause).replace(/^scandir /, "open "), { cause });
  }
}

/** A repository that a walk has come to. */
export interface WalkedRepository {
  readonly path: string;
  readonly relativePath: string;
  /** When its folder last changed, in nanoseconds since the epoch. */
  readonly modifiedNs: bigint;
}

/** What isn't a repository, below each storage. */
const DATA_FOLDER = "+gitaly";

/**
 * Finds all repositories of a storage, in the order of their paths. Links are not followed, but one
 * to a repository counts as one, and ends its folder. What vanishes meanwhile is passed over.
 *
 * Throws what the locator says of the storage, or a WalkError.
 */
export async function* walkRepositories(
  locator: RepositoryLocator,
  storageName: string,
  signal: AbortSignal,
): AsyncGenerator<WalkedRepository, void> {
  const root = locator.storagePath(storageName);
  const rootStats = await during(() => lstat(root));
  if (rootStats === undefined) return;
  yield* new Walk(locator, { storageName, root, signal }).visit(".", rootStats.isDirectory());
}

interface Place {
  readonly storageName: string;
  readonly root: string;
  readonly signal: AbortSignal;
}

class Walk {
  readonly #locator: RepositoryLocator;
  readonly #place: Place;

  constructor(locator: RepositoryLocator, place: Place) {
    this.#locator = locator;
    this.#place = place;
  }

  /** Returns whether the rest of the folder around is to be left out. */
  async *visit(relativePath: string, isFolder: boolean): AsyncGenerator<WalkedRepository, boolean> {
    this.#place.signal.throwIfAborted();
    if (relativePath === DATA_FOLDER) return !isFolder;
    const found = this.#repository(relativePath);
    if (found !== undefined) {
      yield found;
      return !isFolder;
    }
    if (!isFolder) return false;
    for (const entry of await this.#entries(relativePath)) {
      const path = relativePath === "." ? entry.name : `${relativePath}/${entry.name}`;
      // Plain files can't be repositories.
      if (entry.isFile()) continue;
      if (yield* this.visit(path, entry.isDirectory())) break;
    }
    return false;
  }

  #repository(relativePath: string): WalkedRepository | undefined {
    const { storageName } = this.#place;
    try {
      const { path } = this.#locator.locate({ storageName, relativePath });
      const { mtimeNs: modifiedNs } = statSync(path, { bigint: true });
      return { path, relativePath, modifiedNs };
    } catch (error) {
      if (error instanceof DomainError || isMissing(error)) return undefined;
      throw error;
    }
  }

  async #entries(relativePath: string): Promise<readonly Dirent[]> {
    const folder = join(this.#place.root, relativePath);
    const entries = await during(() => readdir(folder, { withFileTypes: true }));
    const ordered = (entries ?? []).map((entry) => ({ entry, key: Buffer.from(entry.name) }));
    ordered.sort((left, right) => Buffer.compare(left.key, right.key));
    return ordered.map(({ entry }) => entry);
  }
}

async function during<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new WalkError(error);
  }
}
