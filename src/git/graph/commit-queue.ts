/** What decides about a commit's place in a queue. Larger comes first. */
interface QueuedCommit {
  readonly commit: number;
  readonly first: number;
  readonly second: number;
  readonly order: number;
}

/**
 * Commits in the order of one or two numbers, larger ones first; of equal ones, that which was
 * put in earlier comes first. Git's walks depend on that.
 */
export class CommitQueue {
  readonly #heap: QueuedCommit[] = [];
  #count = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The commit that comes next, if there is one. */
  peek(): number | undefined {
    return this.#heap[0]?.commit;
  }

  put(commit: number, first: number, second: number = 0): void {
    const heap = this.#heap;
    const item = { commit, first, second, order: this.#count++ };
    let place = heap.length;
    heap.push(item);
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      const above = heap[parent];
      if (above === undefined || precedes(above, item)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = item;
  }

  /** Takes out the commit that comes next. */
  take(): number | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined) return undefined;
    if (heap.length > 0) this.#sink(last);
    return top.commit;
  }

  /** All commits, in no order. */
  *commits(): IterableIterator<number> {
    for (const { commit } of this.#heap) yield commit;
  }

  #sink(item: QueuedCommit): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && precedes(right, below)) {
        child++;
        below = right;
      }
      if (precedes(item, below)) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = item;
  }
}

function precedes(a: QueuedCommit, b: QueuedCommit): boolean {
  if (a.first !== b.first) return a.first > b.first;
  if (a.second !== b.second) return a.second > b.second;
  return a.order < b.order;
}
