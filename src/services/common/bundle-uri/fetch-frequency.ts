/** When a repository is fetched from so often that a bundle pays. */
export interface FrequencySettings {
  /** So many fetches … */
  readonly threshold: number;
  /** … within this time ask for a bundle. */
  readonly intervalMs: number;
  /** How old a bundle gets before there is another. */
  readonly bundleAgeMs: number;
}

interface State {
  /** When the last fetches were, the latest first; at most `threshold`. */
  readonly fetches: number[];
  bundledAtMs: number;
  bundling: boolean;
}

/** How often old entries are looked for. */
const SWEEP_INTERVAL_MS = 60_000;

/** Repositories that are remembered; beyond that those that were heard of first are forgotten. */
const REPOSITORIES_MAX = 10_000;

/** Remembers how often repositories are fetched from, and says when a bundle is due. */
export class FetchFrequency {
  readonly #settings: FrequencySettings;
  readonly #states = new Map<string, State>();
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(settings: FrequencySettings) {
    this.#settings = settings;
  }

  /** How many repositories are remembered. */
  get size(): number {
    return this.#states.size;
  }

  /**
   * Takes note of a fetch. When it returns true, a bundle is due; none is before `endBundling` was
   * called for it.
   */
  note(key: string, nowMs: number): boolean {
    this.#sweep(nowMs);
    const { threshold, intervalMs, bundleAgeMs } = this.#settings;
    const state = this.#states.get(key) ?? this.#add(key);
    state.fetches.unshift(nowMs);
    if (state.fetches.length > threshold) state.fetches.pop();
    const oldest = state.fetches[threshold - 1];
    if (oldest === undefined || nowMs - oldest > intervalMs) return false;
    if (state.bundling || state.bundledAtMs + bundleAgeMs > nowMs) return false;
    state.bundling = true;
    return true;
  }

  /** @param bundledAtMs when there was a new bundle; undefined when there is none */
  endBundling(key: string, bundledAtMs: number | undefined): void {
    const state = this.#states.get(key);
    if (state === undefined) return;
    state.bundling = false;
    if (bundledAtMs !== undefined) state.bundledAtMs = bundledAtMs;
  }

  #add(key: string): State {
    const state = { fetches: [], bundledAtMs: Number.NEGATIVE_INFINITY, bundling: false };
    this.#states.set(key, state);
    for (const [oldest, { bundling }] of this.#states) {
      if (this.#states.size <= REPOSITORIES_MAX) break;
      if (!bundling) this.#states.delete(oldest);
    }
    return state;
  }

  /** Forgets whom a bundle would not be made for soon. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_INTERVAL_MS) return;
    this.#sweptAtMs = nowMs;
    const { intervalMs, bundleAgeMs } = this.#settings;
    for (const [key, { fetches, bundledAtMs, bundling }] of this.#states) {
      const [latest = Number.NEGATIVE_INFINITY] = fetches;
      const isOld = nowMs - bundledAtMs >= bundleAgeMs && nowMs - latest >= intervalMs;
      if (isOld && !bundling) this.#states.delete(key);
    }
  }
}
