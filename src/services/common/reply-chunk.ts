/** Replies of a stream are filled up to this size. */
export const REPLY_BYTES_MAX: number = 1024 * 1024;

/**
 * Collects items for the replies of a stream: as many in each as fit, and an item that is too large
 * for any reply in one of its own.
 */
export class ReplyChunk<Item> {
  readonly #sizeOf: (item: Item) => number;
  #items: Item[] = [];
  #bytes = 0;

  /** @param sizeOf the encoded size of an item in bytes */
  constructor(sizeOf: (item: Item) => number) {
    this.#sizeOf = sizeOf;
  }

  /**
   * Adds an item. Returns the items of a reply when that has to be sent before: they may be none at
   * all, in front of an item that is too large, since clients of the protocol get it that way.
   */
  add(item: Item): Item[] | undefined {
    const size = this.#sizeOf(item);
    const full = this.#bytes + size >= REPLY_BYTES_MAX ? this.#take() : undefined;
    this.#items.push(item);
    this.#bytes += size;
    return full;
  }

  /** Returns the items of the last reply, or undefined when nothing is left to be sent. */
  rest(): Item[] | undefined {
    return this.#bytes === 0 ? undefined : this.#take();
  }

  #take(): Item[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    return items;
  }
}
