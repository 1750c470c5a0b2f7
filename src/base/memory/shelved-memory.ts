/** A value that takes more than this part of the memory isn't kept: it would push out too many others. */
const PART_MAX = 1 / 16;

/** Memory for an entry beside its bytes, roughly. */
const ENTRY_BYTES = 400;

/**
 * What was made of something that never changes, such as the objects of repositories: it stays
 * right for as long as it is kept. Whether that something is still there is up to who asks.
 *
 * Bounded over all shelves together; `length` is the size of a value in bytes.
 */
export class ShelvedMemory<V extends { readonly length: number }> {
  readonly #bytesMax: number;
  /** What was unused for longest comes first. */
  readonly #values = new Map<string, V>();
  #bytes = 0;
  #shelves = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that are taken now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A part with keys of its own, for one repository: another one may say what it likes. */
  shelf(): MemoryShelf<V> {
    return new MemoryShelf(this, `${this.#shelves++}:`);
  }

  /** @internal Called by shelves. */
  find(key: string): V | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** @internal Called by shelves. */
  keep(key: string, value: V): void {
    if (value.length > this.#bytesMax * PART_MAX || this.#values.has(key)) return;
    this.#values.set(key, value);
    this.#bytes += value.length + ENTRY_BYTES;
    for (const [oldest, { length }] of this.#values) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#values.delete(oldest);
      this.#bytes -= length + ENTRY_BYTES;
    }
  }
}

/** A part of a `ShelvedMemory`. */
export class MemoryShelf<V extends { readonly length: number }> {
  readonly #memory: ShelvedMemory<V>;
  readonly #prefix: string;

  constructor(memory: ShelvedMemory<V>, prefix: string) {
    this.#memory = memory;
    this.#prefix = prefix;
  }

  /** @param key names all that the value depends on */
  find(key: string): V | undefined {
    return this.#memory.find(this.#prefix + key);
  }

  /** Keeps a value. Its bytes belong to the memory from now on. */
  keep(key: string, value: V): void {
    this.#memory.keep(this.#prefix + key, value);
  }
}
