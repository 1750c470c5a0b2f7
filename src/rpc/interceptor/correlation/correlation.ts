import type { Interceptor } from "../interceptor.ts";
import { UlidSource } from "./ulid.ts";

/** The metadata that carries the id from one GitLab program to the next. */
export const CORRELATION_ID_KEY = "x-gitlab-correlation-id";

/**
 * Gives each call the correlation id that its caller sent, or a new one.
 *
 * The outermost interceptor: all others may rely on `call.correlationId`. Nothing is sent back.
 */
export function correlate(): Interceptor {
  const ulids = new UlidSource();
  return (call, next) => {
    const [sent] = call.metadata.getAll(CORRELATION_ID_KEY);
    call.correlationId = sent || ulids.next(call.startedAtMs);
    return next();
  };
}
