/** Files that are synced or moved at a time, unless somebody wants fewer. */
const PARALLEL_MAX = 8;

/**
 * Does something with all items, a few at a time. After a failure none is begun any more; rejects
 * with the first one when those that were begun have ended.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  action: (item: T) => Promise<R>,
  parallelMax: number = PARALLEL_MAX,
): Promise<R[]> {
  const queue = items.values();
  const results: R[] = [];
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const item of queue) {
      try {
        results.push(await action(item));
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  const workers = Math.min(parallelMax, items.length);
  await Promise.all(Array.from({ length: workers }, work));
  if (failures.length > 0) throw failures[0];
  return results;
}
