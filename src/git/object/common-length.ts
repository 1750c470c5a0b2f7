/** Bytes that are compared by one call. */
export const BLOCK_BYTES = 1024;

/** How many bytes are the same from these places on. */
export function commonLength(a: Buffer, startA: number, b: Buffer, startB: number): number {
  const limit = Math.min(a.length - startA, b.length - startB);
  let count = 0;
  while (count + BLOCK_BYTES <= limit && isSameBlock(a, startA + count, b, startB + count)) {
    count += BLOCK_BYTES;
  }
  while (count < limit && a[startA + count] === b[startB + count]) count++;
  return count;
}

/** Whether the blocks at these places, which have to be whole, are the same. */
export function isSameBlock(a: Buffer, startA: number, b: Buffer, startB: number): boolean {
  return a.compare(b, startB, startB + BLOCK_BYTES, startA, startA + BLOCK_BYTES) === 0;
}
