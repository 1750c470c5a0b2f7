/** Larger contents get memory of their own. */
const SCRATCH_BYTES_MAX = 1024 * 1024;

/** What a buffer has at least, so that it needn't grow often. */
const SCRATCH_BYTES_MIN = 64 * 1024;

/**
 * Memory for contents that are only made to make others of them, as along a chain of deltas: fresh
 * memory for each would cost more than to fill it.
 *
 * All readers share two buffers. What was taken is valid until the second `take` after it.
 */
export class ScratchBuffers {
  #next: Buffer = Buffer.alloc(0);
  #last: Buffer = Buffer.alloc(0);

  /** Takes so many bytes, which hold anything; `undefined` when these are too many. */
  take(length: number): Buffer | undefined {
    if (length > SCRATCH_BYTES_MAX) return undefined;
    let taken = this.#next;
    if (taken.length < length) {
      const doubled = Math.min(length * 2, SCRATCH_BYTES_MAX);
      taken = Buffer.allocUnsafeSlow(Math.max(doubled, SCRATCH_BYTES_MIN));
    }
    this.#next = this.#last;
    this.#last = taken;
    return taken.subarray(0, length);
  }
}
