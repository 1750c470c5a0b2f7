import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * A long computation that can be interrupted: it yields now and then, and returns its result.
 *
 * What is yielded has no meaning; between two yields it works for some milliseconds at most.
 */
export type Task<T> = Generator<undefined, T, undefined>;

/** Steps of a task between two yields: about half a millisecond with a commit-graph, ten without. */
export const TASK_STEPS = 512;

/** Completes a task and lets others work in between. Throws the reason of `signal`. */
export async function runTask<T>(task: Task<T>, signal: AbortSignal): Promise<T> {
  try {
    for (;;) {
      signal.throwIfAborted();
      const step = task.next();
      if (step.done === true) return step.value;
      await nextTurn();
    }
  } finally {
    // Without effect on a task that is done.
    abandon(task);
  }
}

function abandon(task: Generator<undefined, unknown, undefined>): void {
  task.return(undefined);
}
