/** Files that are synced or moved at a time, unless somebody wants fewer. */
const PARALLEL_MAX = 8;

/** Does something with all items, a few at a time; rejects with the first failure. */
export async function inParallel<T, R>(
  items: readonly T[],
  action: (item: T) => Promise<R>,
  parallelMax: number = PARALLEL_MAX,
): Promise<R[]> {
  const queue = items.values();
  const results: R[] = [];
  const work = async (): Promise<void> => {
    for (const item of queue) results.push(await action(item));
  };
  const workers = Math.min(parallelMax, items.length);
  await Promise.all(Array.from({ length: workers }, work));
  return results;
}
