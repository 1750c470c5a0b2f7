import { setTimeout as delay } from "node:timers/promises";

/** Waits; injected so that nobody has to. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

const wait: Wait = async (ms, signal) => {
  await delay(ms, undefined, { signal, ref: false });
};

/** Does something at once, and again after each interval, until the signal is aborted. */
export async function atIntervals(
  work: () => Promise<void>,
  intervalMs: number,
  signal: AbortSignal,
  pause: Wait = wait,
): Promise<void> {
  while (!signal.aborted) {
    await work();
    try {
      await pause(intervalMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }
}
