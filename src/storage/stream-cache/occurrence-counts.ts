/** Keys that are counted in one generation; with more, the next begins early. */
const KEYS_MAX = 100_000;

/**
 * Counts how often keys have occurred lately: for at least `ageMs` after they did for the last time,
 * and not for much longer. To forget many keys at once, there are two generations of them.
 */
export class OccurrenceCounts {
  readonly #ageMs: number;
  readonly #nowMs: () => number;
  #older = new Map<string, number>();
  #newer = new Map<string, number>();
  #rotatedMs: number;

  constructor(ageMs: number, nowMs: () => number) {
    this.#ageMs = ageMs;
    this.#nowMs = nowMs;
    this.#rotatedMs = nowMs();
  }

  /** Counts once more, and returns how often that is. */
  add(key: string): number {
    this.#rotate();
    const count = 1 + (this.#newer.get(key) ?? 0) + (this.#older.get(key) ?? 0);
    this.#older.delete(key);
    this.#newer.set(key, count);
    return count;
  }

  #rotate(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#rotatedMs <= this.#ageMs && this.#newer.size < KEYS_MAX) return;
    this.#rotatedMs = nowMs;
    this.#older = this.#newer;
    this.#newer = new Map();
  }
}
