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
  readonly #stepsPerTurn: number;
  #steps = 0;

  /** @param stepsPerTurn fewer than usual for steps that take longer */
  constructor(signal: AbortSignal, stepsPerTurn: number = STEPS_PER_TURN) {
    this.#signal = signal;
    this.#stepsPerTurn = stepsPerTurn;
  }

  /** Counts a step. */
  isOver(): boolean {
    return ++this.#steps % this.#stepsPerTurn === 0;
  }

  /** Lets others work, then throws the signal's reason when nobody waits for this work any more. */
  async next(): Promise<void> {
    await nextTurn();
    this.#signal.throwIfAborted();
  }
}
