/** An element of a `LinkedList`. It knows its neighbours, so that it can be moved at no cost. */
export class ListNode {
  previous: ListNode | undefined;
  next: ListNode | undefined;
}

/** Elements in the order of their use: the first is the one that was unused for longest. */
export class LinkedList {
  #first: ListNode | undefined;
  #last: ListNode | undefined;

  get first(): ListNode | undefined {
    return this.#first;
  }

  /** Adds an element that is in no list. */
  append(node: ListNode): void {
    node.previous = this.#last;
    node.next = undefined;
    if (this.#last === undefined) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
  }

  /** Takes out an element that is in this list. */
  remove(node: ListNode): void {
    if (node.previous === undefined) this.#first = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.#last = node.previous;
    else node.next.previous = node.previous;
    node.previous = undefined;
    node.next = undefined;
  }

  /** Makes an element of this list the last one. */
  touch(node: ListNode): void {
    if (node === this.#last) return;
    this.remove(node);
    this.append(node);
  }
}
