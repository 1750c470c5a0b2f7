/** Finds the first error of a class among an error and its causes. */
export function findCause<T extends Error>(
  error: unknown,
  errorClass: abstract new (...args: never[]) => T,
): T | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof errorClass) return current;
  }
  return undefined;
}
