import { setImmediate as nextTurn } from "node:timers/promises";

/** Steps of work, each some microseconds long, that are done without a break. */
const STEPS_PER_TURN = 500;

/**
 * Breaks up work on many small files: asking the file system synchronously costs a tenth of a trip
 * to the thread pool, but other requests have to be served meanwhile.
 *
 * `if (turns.isOver()) await turns.next();`
 */
export class Turns {
  readonly #signal: AbortSignal;
  #steps = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Counts a step. */
  isOver(): boolean {
    return ++this.#steps % STEPS_PER_TURN === 0;
  }

  /** Lets others work, then throws the signal's reason when nobody waits for this work any more. */
  async next(): Promise<void> {
    await nextTurn();
    this.#signal.throwIfAborted();
  }
}
