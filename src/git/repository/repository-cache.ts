import { statSync } from "node:fs";
import { join } from "node:path";
import { ObjectSources } from "../object/object-source.ts";
import { FileState } from "../pack/file-state.ts";
import { ReaderResources } from "../pack/reader-resources.ts";
import { GitRepository, type Quarantine } from "./git-repository.ts";
import { RepositoryMissingError } from "./repository-format.ts";
import { RepositoryMemory } from "./repository-memory.ts";

/** Repositories that are kept between requests. Each takes some kilobytes while it is idle. */
export const REPOSITORIES_MAX: number = 2000;

interface CachedRepository {
  readonly repository: GitRepository;
  /** Tells this folder from another one that was put in its place. */
  readonly identity: string;
  readonly config: FileState;
}

/**
 * Keeps what was learned about repositories, so that a request need not learn it again.
 *
 * Files, memory and the number of repositories are bounded over all of them; what was unused for
 * longest makes room.
 */
export class RepositoryCache {
  readonly #sources: ObjectSources;
  readonly #memory = new RepositoryMemory();
  readonly #countMax: number;
  /** The one that was unused for longest comes first. */
  readonly #repositories = new Map<string, CachedRepository>();

  constructor(
    resources: ReaderResources = new ReaderResources(),
    countMax: number = REPOSITORIES_MAX,
  ) {
    this.#sources = new ObjectSources(resources);
    this.#countMax = countMax;
  }

  /** Number of repositories that are kept now. */
  get size(): number {
    return this.#repositories.size;
  }

  /**
   * Returns the repository whose git directory is `path`, ready to give answers that are as fresh
   * as those of a git process started now. Call it once for each request.
   *
   * Throws `RepositoryMissingError`, and for an unusable configuration what `readRepositoryFormat`
   * throws.
   */
  open(path: string): GitRepository {
    const identity = identify(path);
    const known = this.#repositories.get(path);
    if (identity === undefined) {
      this.forget(path);
      throw new RepositoryMissingError(path);
    }
    if (known?.identity === identity && isConfigured(known)) {
      // To the end of the line.
      this.#repositories.delete(path);
      this.#repositories.set(path, known);
      known.repository.expire();
      return known.repository;
    }
    this.forget(path);
    return this.#add(path, identity);
  }

  /**
   * Returns a view of the repository at `path` that also has the objects of a push that isn't
   * accepted yet. It isn't kept: close it with the push.
   */
  openQuarantine(path: string, quarantine: Quarantine): GitRepository {
    return new GitRepository(path, this.#sources, this.#memory, quarantine, this.open(path));
  }

  /** Drops what is known of the repository at `path`, for example because it is removed. */
  forget(path: string): void {
    const known = this.#repositories.get(path);
    if (known === undefined) return;
    this.#repositories.delete(path);
    known.repository.close();
  }

  /** Drops everything. */
  close(): void {
    for (const path of [...this.#repositories.keys()]) this.forget(path);
  }

  #add(path: string, identity: string): GitRepository {
    const config = new FileState(join(path, "config"));
    config.hasChanged();
    const repository = new GitRepository(path, this.#sources, this.#memory);
    this.#repositories.set(path, { repository, identity, config });
    for (const oldest of this.#repositories.keys()) {
      if (this.#repositories.size <= this.#countMax) break;
      this.forget(oldest);
    }
    return repository;
  }
}

function isConfigured({ repository, config }: CachedRepository): boolean {
  return !config.hasChanged() || repository.hasSameConfig();
}

/** An inode may be given to a new folder, but not with the same time of birth. */
function identify(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isDirectory()) return undefined;
  return `${stats.dev} ${stats.ino} ${stats.birthtimeMs}`;
}
