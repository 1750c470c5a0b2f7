import { LinkedList, ListNode } from "./linked-list.ts";

/** Share of the limit that entries may take which were used only once. */
const PROBATION_SHARE = 0.25;

/** So many values have to be added before another use of one counts: each move costs memory traffic. */
const MOVE_STEP = 64;

/**
 * Keeps values that are expensive to make, up to a number of bytes over all its partitions.
 *
 * A value that is used a second time moves to a protected part, so that one walk through a whole
 * repository doesn't push out what every request needs.
 */
export class ByteCache<V> {
  readonly bytesMax: number;
  readonly #probation = new LinkedList();
  readonly #protected = new LinkedList();
  #probationBytes = 0;
  #protectedBytes = 0;
  /** Values that were added so far. */
  #added = 0;
  readonly #keep: (value: V) => V;

  /**
   * `keep` is applied to a value when it moves to the protected part, where it may stay long: the
   * place to copy it out of memory that it shares with others.
   */
  constructor(bytesMax: number, keep: (value: V) => V = (value) => value) {
    this.bytesMax = bytesMax;
    this.#keep = keep;
  }

  /** Bytes of all values that are kept now. */
  get bytes(): number {
    return this.#probationBytes + this.#protectedBytes;
  }

  /** A part of the cache with keys of its own. */
  partition(): CachePartition<V> {
    return new CachePartition(this);
  }

  /** @internal Called by partitions. */
  insert(entry: CacheEntry<V>): void {
    this.#probation.append(entry);
    this.#probationBytes += entry.bytes;
    this.#added++;
    this.#shrink();
  }

  /** @internal Called by partitions. */
  touch(entry: CacheEntry<V>): void {
    if (entry.isProtected) {
      if (this.#added - entry.movedAt < MOVE_STEP) return;
      entry.movedAt = this.#added;
      this.#protected.touch(entry);
      return;
    }
    this.#probation.remove(entry);
    this.#probationBytes -= entry.bytes;
    entry.isProtected = true;
    entry.movedAt = this.#added;
    entry.value = this.#keep(entry.value);
    this.#protected.append(entry);
    this.#protectedBytes += entry.bytes;
    this.#shrink();
  }

  /** @internal Called by partitions. */
  remove(entry: CacheEntry<V>): void {
    if (entry.isProtected) {
      this.#protected.remove(entry);
      this.#protectedBytes -= entry.bytes;
    } else {
      this.#probation.remove(entry);
      this.#probationBytes -= entry.bytes;
    }
  }

  #shrink(): void {
    while (this.bytes > this.bytesMax) {
      const overProbation = this.#probationBytes > this.bytesMax * PROBATION_SHARE;
      const list = overProbation ? this.#probation : this.#protected;
      const victim = list.first ?? this.#probation.first;
      if (!(victim instanceof CacheEntry)) return;
      victim.owner.evict(victim);
    }
  }
}

/** @internal A value in a cache. */
export class CacheEntry<V> extends ListNode {
  readonly owner: CachePartition<V>;
  readonly key: number;
  readonly bytes: number;
  value: V;
  isProtected = false;
  /** How many values had been added when it became the last in the protected part. */
  movedAt = 0;

  constructor(owner: CachePartition<V>, key: number, value: V, bytes: number) {
    super();
    this.owner = owner;
    this.key = key;
    this.value = value;
    this.bytes = bytes;
  }
}

/** Bookkeeping per value, roughly, which counts against the limit. */
const ENTRY_BYTES = 160;

/** A part of a `ByteCache` with keys of its own, for example the offsets in one pack. */
export class CachePartition<V> {
  readonly #cache: ByteCache<V>;
  readonly #entries = new Map<number, CacheEntry<V>>();

  constructor(cache: ByteCache<V>) {
    this.#cache = cache;
  }

  /** Returns the value and notes that it was used. */
  get(key: number): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#cache.touch(entry);
    return entry.value;
  }

  /** Keeps a value that takes `bytes`, unless that alone would fill much of the cache. */
  set(key: number, value: V, bytes: number): void {
    const size = bytes + ENTRY_BYTES;
    if (size > this.#cache.bytesMax * PROBATION_SHARE) return;
    const old = this.#entries.get(key);
    if (old !== undefined) this.evict(old);
    const entry = new CacheEntry(this, key, value, size);
    this.#entries.set(key, entry);
    this.#cache.insert(entry);
  }

  /** Forgets all values of this partition. */
  clear(): void {
    for (const entry of this.#entries.values()) this.#cache.remove(entry);
    this.#entries.clear();
  }

  /** @internal Called by the cache. */
  evict(entry: CacheEntry<V>): void {
    this.#cache.remove(entry);
    this.#entries.delete(entry.key);
  }
}
