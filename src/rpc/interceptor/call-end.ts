import type { ServerCall } from "../call.ts";
import { codeOf, type Interruption } from "../status/status.ts";

/** The gRPC code with which a call ends that has failed with `error`. */
export function endCode(call: ServerCall, error: unknown): number {
  return codeOf(error, interruptionOf(call));
}

function interruptionOf({ signal, deadlineMs }: ServerCall): Interruption | undefined {
  if (!signal.aborted) return undefined;
  const hasExpired = deadlineMs !== undefined && Date.now() >= deadlineMs;
  return hasExpired ? "deadline-exceeded" : "cancelled";
}
