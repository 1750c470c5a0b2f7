/** How a limit may move; one that stays has only `initial`. */
export interface AdaptiveLimitSettings {
  readonly initial: number;
  readonly max?: number;
  readonly min?: number;
}

/** A number of things that may happen at once, which may change while they do. */
export class AdaptiveLimit {
  /** What metrics call it. */
  readonly name: string;
  readonly settings: AdaptiveLimitSettings;
  #current: number;
  readonly #listeners: (() => void)[] = [];

  constructor(name: string, settings: AdaptiveLimitSettings) {
    this.name = name;
    this.settings = settings;
    this.#current = settings.initial;
  }

  /** 0 or less means that there is no limit. */
  get current(): number {
    return this.#current;
  }

  /** Whether it moves at all. */
  get isAdaptive(): boolean {
    return this.settings.max !== undefined;
  }

  /** Moves the limit, within its bounds. */
  update(value: number): void {
    const { max = value, min = value } = this.settings;
    const next = Math.max(Math.min(value, max), min);
    if (next === this.#current) return;
    this.#current = next;
    for (const listener of this.#listeners) listener();
  }

  /** Has `listener` run after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
