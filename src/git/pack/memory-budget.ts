import { LinkedList, ListNode } from "./linked-list.ts";

/** Somebody whose memory counts against a `MemoryBudget` and who can do without all of it. */
export abstract class MemoryTenant extends ListNode {
  /** Bytes that are charged now. */
  bytes = 0;

  /** Lets go of the memory. What is needed of it later is made again. */
  abstract evict(): void;
}

/**
 * Bounds the memory of tenants that give it back as a whole: the one that was unused for longest
 * has to, when another one needs more.
 */
export class MemoryBudget {
  readonly bytesMax: number;
  readonly #tenants = new LinkedList();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Bytes of all tenants. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Notes that the tenant takes so many more bytes; others may be evicted, itself is not. */
  charge(tenant: MemoryTenant, bytes: number): void {
    if (tenant.bytes === 0) this.#tenants.append(tenant);
    else this.#tenants.touch(tenant);
    tenant.bytes += bytes;
    this.#bytes += bytes;
    for (;;) {
      const oldest = this.#tenants.first;
      if (this.#bytes <= this.bytesMax || oldest === tenant) return;
      if (!(oldest instanceof MemoryTenant)) return;
      this.release(oldest);
      oldest.evict();
    }
  }

  /** Notes that the tenant is used. */
  touch(tenant: MemoryTenant): void {
    if (tenant.bytes > 0) this.#tenants.touch(tenant);
  }

  /** Notes that the tenant takes no memory any more. */
  release(tenant: MemoryTenant): void {
    if (tenant.bytes === 0) return;
    this.#tenants.remove(tenant);
    this.#bytes -= tenant.bytes;
    tenant.bytes = 0;
  }
}
