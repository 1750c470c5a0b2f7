/**
 * Memory for the lines of two texts, used again for the next two: making typed arrays costs more
 * than most comparisons need otherwise. What was taken is valid until `reset`.
 */
export class LineMemory {
  #numbers: Int32Array = new Int32Array(0);
  #numbersTaken = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #bytesTaken = 0;

  reset(): void {
    this.#numbersTaken = 0;
    this.#bytesTaken = 0;
  }

  /** Takes zeros. */
  takeNumbers(count: number): Int32Array {
    const end = this.#numbersTaken + count;
    if (end > this.#numbers.length) {
      // What was taken before keeps the old memory.
      this.#numbers = new Int32Array(Math.max(count, NUMBERS, this.#numbers.length * 2));
      this.#numbersTaken = 0;
      return this.takeNumbers(count);
    }
    const taken = this.#numbers.subarray(this.#numbersTaken, end);
    this.#numbersTaken = end;
    return taken.fill(0);
  }

  /** Takes zeros. */
  takeBytes(count: number): Uint8Array {
    const end = this.#bytesTaken + count;
    if (end > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(count, BYTES, this.#bytes.length * 2));
      this.#bytesTaken = 0;
      return this.takeBytes(count);
    }
    const taken = this.#bytes.subarray(this.#bytesTaken, end);
    this.#bytesTaken = end;
    return taken.fill(0);
  }
}

/** Room for texts of a few thousand lines to begin with. */
const NUMBERS = 32 * 1024;
const BYTES = 32 * 1024;
