/** A power of two near the square root of a number, as git estimates it. */
export function rootEstimate(value: number): number {
  let root = 1;
  for (let rest = value; rest > 0; rest >>>= 2) root *= 2;
  return root;
}
