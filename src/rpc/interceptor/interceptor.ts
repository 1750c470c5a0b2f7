import type { ServerCall } from "../call.ts";

/**
 * A function around every call. It may look at the call, refuse it by throwing, and see how it
 * ended: `next` settles when the handler and everything inside has.
 *
 * Errors thrown here or passed on become the call's status (see `rpc/status`).
 */
export type Interceptor = (call: ServerCall, next: () => Promise<void>) => Promise<void>;

/** Joins interceptors into one; the first is the outermost. */
export function compose(interceptors: readonly Interceptor[]): Interceptor {
  return (call, next) => {
    const run = (index: number): Promise<void> => {
      const interceptor = interceptors[index];
      return interceptor === undefined ? next() : interceptor(call, () => run(index + 1));
    };
    return run(0);
  };
}
