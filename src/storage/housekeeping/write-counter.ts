import type { RepositoryAddress } from "../locator/repository-locator.ts";

/** Repositories that are remembered. Those written to longest ago are forgotten first. */
const REPOSITORIES_MAX = 10_000;

/** How often this server has written to repositories since their packs were last joined. */
export class WriteCounter {
  readonly #counts = new Map<string, number>();

  note(address: RepositoryAddress): void {
    const key = keyOf(address);
    const count = this.#counts.get(key) ?? 0;
    // To the end of the line.
    this.#counts.delete(key);
    this.#counts.set(key, count + 1);
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= REPOSITORIES_MAX) break;
      this.#counts.delete(oldest);
    }
  }

  count(address: RepositoryAddress): number {
    return this.#counts.get(keyOf(address)) ?? 0;
  }

  /** Takes off those that there had been when packs began to be joined. */
  forget(address: RepositoryAddress, count: number): void {
    const rest = this.count(address) - count;
    if (rest > 0) this.#counts.set(keyOf(address), rest);
    else this.#counts.delete(keyOf(address));
  }
}

function keyOf({ storageName, relativePath }: RepositoryAddress): string {
  return `${storageName}\0${relativePath}`;
}
