import { DomainError } from "../error/domain-error.ts";
import type { AdaptiveLimit } from "./adaptive-limit.ts";

/** Why somebody wasn't let in: the queue is full, it took too long, or they went away. */
export type DropReason = "max_size" | "max_time" | "other";

const MESSAGES: Readonly<Record<DropReason, string>> = {
  max_size: "maximum queue size reached",
  max_time: "maximum time in concurrency queue reached",
  other: "unexpected error when dequeueing request: context canceled",
};

/** Somebody wasn't let in. */
export class LimitReachedError extends DomainError {
  readonly reason: DropReason;

  constructor(reason: DropReason) {
    super(reason === "other" ? "cancelled" : "resource-exhausted", MESSAGES[reason]);
    this.reason = reason;
  }
}

/** Is told what happens in a limiter; `fields` are those of the log line of who wants to get in. */
export interface LimitMonitor {
  queued(fields: LimitFields, key: string, queueLength: number): void;
  dequeued(): void;
  entered(fields: LimitFields, runningCount: number, waitedMs: number): void;
  left(): void;
  dropped(fields: LimitFields, drop: Drop): void;
}

export type LimitFields = Record<string, unknown>;

export interface Drop {
  readonly key: string;
  readonly queueLength: number;
  readonly runningCount: number;
  readonly waitedMs: number;
  readonly reason: DropReason;
}

export interface LimiterOptions {
  /** How many may be inside at once for one key. */
  readonly limit: AdaptiveLimit;
  /** How many may wait beside those for one key; 0 for any number. */
  readonly queueSizeMax: number;
  /** 0 to wait without a limit. */
  readonly queueWaitMsMax: number;
  readonly monitor: LimitMonitor;
}

export interface Entrant {
  readonly signal: AbortSignal;
  readonly fields: LimitFields;
}

/** Lets only so many in at once for each key; others wait, the last to come being the first to go. */
export class ConcurrencyLimiter {
  readonly #options: LimiterOptions;
  /** Keys are forgotten when nobody is inside or waits any more. */
  readonly #gates = new Map<string, Gate>();

  constructor(options: LimiterOptions) {
    this.#options = options;
    options.limit.onChange(() => {
      for (const gate of this.#gates.values()) gate.admit(options.limit.current);
    });
  }

  /** How many keys are in use. */
  get keyCount(): number {
    return this.#gates.size;
  }

  /**
   * Waits to be let in. Returns what tells that one has left, to be called exactly once. Throws a
   * LimitReachedError.
   */
  async enter(key: string, entrant: Entrant): Promise<() => void> {
    const { limit, monitor } = this.#options;
    if (limit.current <= 0) return () => undefined;
    const gate = this.#gate(key);
    const startedMs = performance.now();
    try {
      await this.#pass(gate, key, entrant);
    } catch (error) {
      if (error instanceof LimitReachedError) {
        const { queueLength, runningCount } = this.#state(gate);
        const waitedMs = performance.now() - startedMs;
        const { reason } = error;
        monitor.dropped(entrant.fields, { key, queueLength, runningCount, waitedMs, reason });
      }
      this.#forget(key, gate);
      throw error;
    }
    monitor.entered(entrant.fields, gate.runningCount, performance.now() - startedMs);
    return () => {
      monitor.left();
      gate.leave(limit.current);
      this.#forget(key, gate);
    };
  }

  async #pass(gate: Gate, key: string, { signal, fields }: Entrant): Promise<void> {
    const { limit, queueSizeMax, queueWaitMsMax, monitor } = this.#options;
    if (queueSizeMax > 0 && gate.count >= limit.current + queueSizeMax) {
      throw new LimitReachedError("max_size");
    }
    gate.count++;
    monitor.queued(fields, key, this.#state(gate).queueLength);
    try {
      await gate.enter(limit.current, queueWaitMsMax, signal);
    } catch (error) {
      gate.count--;
      throw error;
    } finally {
      monitor.dequeued();
    }
  }

  #gate(key: string): Gate {
    const known = this.#gates.get(key);
    if (known !== undefined) return known;
    const gate = new Gate();
    this.#gates.set(key, gate);
    return gate;
  }

  #state(gate: Gate): { readonly queueLength: number; readonly runningCount: number } {
    const { count, runningCount } = gate;
    // Nobody counts those who wait where any number may.
    const queueLength = this.#options.queueSizeMax > 0 ? count - runningCount : 0;
    return { queueLength, runningCount };
  }

  #forget(key: string, gate: Gate): void {
    if (gate.count === 0) this.#gates.delete(key);
  }
}

/** Timers can't be longer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

interface Waiter {
  letIn(): void;
}

/** Those who are inside and those who wait, for one key. */
class Gate {
  /** All of them. */
  count = 0;
  runningCount = 0;
  readonly #waiters: Waiter[] = [];

  async enter(limit: number, waitMsMax: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new LimitReachedError("other");
    if (this.runningCount < limit) {
      this.runningCount++;
      return;
    }
    await this.#wait(waitMsMax, signal);
  }

  leave(limit: number): void {
    this.count--;
    this.runningCount--;
    this.admit(limit);
  }

  admit(limit: number): void {
    while (this.runningCount < limit) {
      const waiter = this.#waiters.pop();
      if (waiter === undefined) return;
      this.runningCount++;
      waiter.letIn();
    }
  }

  #wait(waitMsMax: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        letIn: () => {
          settle();
          resolve();
        },
      };
      const giveUp = (reason: DropReason): void => {
        settle();
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(new LimitReachedError(reason));
      };
      const onAbort = (): void => giveUp("other");
      const timer =
        waitMsMax > 0
          ? setTimeout(() => giveUp("max_time"), Math.min(waitMsMax, TIMER_MS_MAX))
          : undefined;
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }
}
