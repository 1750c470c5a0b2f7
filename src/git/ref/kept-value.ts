/** Values of up to this size may stay in memory for each of thousands of repositories. */
const SMALL_BYTES_MAX = 32_768;

/**
 * Keeps a value that was read from a file and can be read again.
 *
 * A small one stays; a large one goes when the garbage collector runs and nobody uses it, so that
 * the large ones of many repositories never fill the memory.
 */
export class KeptValue<Value extends object> {
  readonly #small: Value | undefined;
  readonly #large: WeakRef<Value> | undefined;

  /** `bytes` is about the memory that the value takes. */
  constructor(value: Value, bytes: number) {
    if (bytes <= SMALL_BYTES_MAX) this.#small = value;
    else this.#large = new WeakRef(value);
  }

  /** The value, or undefined when it has to be read again. */
  get(): Value | undefined {
    return this.#small ?? this.#large?.deref();
  }
}
