import { setImmediate as nextTurn } from "node:timers/promises";
import type { GitRepository } from "../../git/repository/git-repository.ts";
import { AdvertisementCache } from "../../git/upload/advertisement-cache.ts";

/** What is kept, in bytes over all repositories. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;

/** Texts that tell clients of references, made anew only when something has changed. */
export class KeptReferences {
  readonly #kept = new AdvertisementCache(KEPT_BYTES_MAX);
  readonly #onLookup: (result: "hit" | "miss") => void;

  constructor(onLookup: (result: "hit" | "miss") => void = () => undefined) {
    this.#onLookup = onLookup;
  }

  /** @param key all that the text depends on beside the repository itself */
  async find(
    repository: GitRepository,
    key: string,
    make: () => Iterable<Buffer>,
  ): Promise<readonly Buffer[]> {
    const version = repository.refs.version();
    const kept = version === undefined ? undefined : this.#kept.find(repository, key, version);
    this.#onLookup(kept === undefined ? "miss" : "hit");
    if (kept !== undefined) return kept;
    const pieces: Buffer[] = [];
    for (const piece of make()) {
      pieces.push(piece);
      await nextTurn();
    }
    // What has changed meanwhile may be in it or not.
    if (version !== undefined && version === repository.refs.version()) {
      this.#kept.keep(repository, key, { version, pieces });
    }
    return pieces;
  }
}
