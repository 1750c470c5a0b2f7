/** Something that was put away to be used again. */
interface Idle<T> {
  readonly key: string;
  readonly value: T;
  readonly untilMs: number;
}

export interface IdleCacheOptions<T> {
  /** Of all together; the one that waits longest makes room. */
  readonly sizeMax: number;
  readonly sizePerKeyMax: number;
  /** How long one waits. */
  readonly idleMs: number;
  /** Takes what has waited too long, or had to make room. */
  readonly evict: (value: T) => void;
}

/** Keeps things for a short while in case that somebody needs one like it again. */
export class IdleCache<T> {
  readonly #options: IdleCacheOptions<T>;
  /** Oldest first. */
  readonly #idle: Idle<T>[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: IdleCacheOptions<T>) {
    this.#options = options;
  }

  /** Takes out the one that was put in last. */
  take(key: string): T | undefined {
    const index = this.#idle.findLastIndex((idle) => idle.key === key);
    return index === -1 ? undefined : this.#idle.splice(index, 1)[0]?.value;
  }

  /** False when there are enough with this key; then the value remains the caller's. */
  put(key: string, value: T): boolean {
    const { sizeMax, sizePerKeyMax, idleMs, evict } = this.#options;
    const alike = this.#idle.filter((idle) => idle.key === key);
    if (alike.length >= sizePerKeyMax) return false;
    this.#idle.push({ key, value, untilMs: performance.now() + idleMs });
    if (this.#idle.length > sizeMax) {
      const oldest = this.#idle.shift();
      if (oldest !== undefined) evict(oldest.value);
    }
    this.#schedule();
    return true;
  }

  count(matches: (value: T) => boolean): number {
    return this.#idle.filter(({ value }) => matches(value)).length;
  }

  /** Takes out everything. */
  clear(): T[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#idle.splice(0).map(({ value }) => value);
  }

  #schedule(): void {
    const [oldest] = this.#idle;
    if (oldest === undefined || this.#timer !== undefined) return;
    const delayMs = Math.max(1, Math.ceil(oldest.untilMs - performance.now()));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#evictExpired();
      this.#schedule();
    }, delayMs).unref();
  }

  #evictExpired(): void {
    const now = performance.now();
    for (let oldest = this.#idle[0]; oldest !== undefined; oldest = this.#idle[0]) {
      if (oldest.untilMs > now) return;
      this.#idle.shift();
      this.#options.evict(oldest.value);
    }
  }
}
