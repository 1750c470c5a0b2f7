import type { GitRepository } from "../repository/git-repository.ts";

interface Kept {
  readonly repository: GitRepository;
  readonly version: string;
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
}

/** The share of the memory that one advertisement may take. */
const PIECE_SHARE = 0.25;

/**
 * Keeps finished advertisements of references for the next one who asks. Bounded in bytes over all
 * repositories; what was unused for longest makes room.
 */
export class AdvertisementCache {
  readonly #bytesMax: number;
  /** The one that was unused for longest comes first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Memory taken by all that is kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns what was kept for a repository.
   *
   * @param key all that the advertisement depends on beside the repository itself
   * @param version that of the references now, see `RefReader.version`
   */
  find(repository: GitRepository, key: string, version: string): readonly Buffer[] | undefined {
    const name = nameOf(repository, key);
    const kept = this.#kept.get(name);
    // Another object is another configuration.
    if (kept?.repository !== repository || kept.version !== version) return undefined;
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    return kept.pieces;
  }

  /** Keeps what was made of that version of the references, in place of what was made of others. */
  keep(
    repository: GitRepository,
    key: string,
    made: { readonly version: string; readonly pieces: readonly Buffer[] },
  ): void {
    const name = nameOf(repository, key);
    this.#drop(name);
    const length = made.pieces.reduce((sum, piece) => sum + piece.length, 0);
    const bytes = length + 2 * (name.length + made.version.length);
    if (bytes > this.#bytesMax * PIECE_SHARE) return;
    this.#kept.set(name, { ...made, repository, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldest);
    }
  }

  #drop(name: string): void {
    this.#bytes -= this.#kept.get(name)?.bytes ?? 0;
    this.#kept.delete(name);
  }
}

function nameOf({ path }: GitRepository, key: string): string {
  return `${path}\0${key}`;
}
