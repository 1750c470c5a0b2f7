/** Files that are written to the disk at the same time; each is open meanwhile. */
const SYNCS_MAX = 8;

/** Waits for many writes, of which some may be under way at once. */
export class SyncQueue {
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /** Adds a write, and waits until there is room for another. */
  async add(write: Promise<void>): Promise<void> {
    const running = write
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    if (this.#running.size >= SYNCS_MAX) await Promise.race(this.#running);
  }

  /** Waits until nothing is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** As `settle`; throws the first failure. */
  async drain(): Promise<void> {
    await this.settle();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
