import { DomainError, type ErrorMetadata } from "../../../base/error/domain-error.ts";
import type { LogFields, Logger } from "../../../base/log/logger.ts";
import { TimestampWriter } from "../../../base/log/timestamp-writer.ts";
import type { RequestMetadata, ServerCall } from "../../call.ts";
import { codeName } from "../../status/status.ts";
import { endCode } from "../call-end.ts";
import type { Interceptor } from "../interceptor.ts";

/** Decides by its full name whether calls of a method are logged. */
export type CallFilter = (fullMethod: string) => boolean;

/** How many errors behind an error are looked at. */
const CAUSES_MAX = 16;

const FEATURE_PREFIX = "gitaly-feature-";

/**
 * Writes one line for each call that has ended: what it was, how long it took and how it ended.
 *
 * The fields that other interceptors and the handler have put into `call.logFields` are part of it.
 */
export function logCalls(logger: Logger, shouldLog: CallFilter): Interceptor {
  const time = new TimestampWriter("local");
  return async (call, next) => {
    if (!shouldLog(call.fullMethod)) return next();
    const startMs = performance.now();
    try {
      await next();
    } catch (error) {
      write(logger, time, call, { code: endCode(call, error), startMs, error });
      throw error;
    }
    write(logger, time, call, { code: 0, startMs, error: undefined });
  };
}

/**
 * The calls that are logged: those that `allow` matches, or else those that `deny` doesn't.
 *
 * Without either, everything but health checks. Throws a SyntaxError for a bad expression.
 */
export function callFilter(allow: string, deny: string): CallFilter {
  if (allow !== "") {
    const allowed = new RegExp(allow, "u");
    return (fullMethod) => allowed.test(fullMethod);
  }
  if (deny === "") return (fullMethod) => fullMethod !== "/grpc.health.v1.Health/Check";
  const denied = new RegExp(deny, "u");
  return (fullMethod) => !denied.test(fullMethod);
}

interface End {
  readonly code: number;
  /** On the monotonic clock. */
  readonly startMs: number;
  readonly error: unknown;
}

function write(logger: Logger, time: TimestampWriter, call: ServerCall, end: End): void {
  const { code, startMs, error } = end;
  const isUnary = call.method.methodKind === "unary";
  const message = `finished ${isUnary ? "unary" : "streaming"} call with code ${codeName(code)}`;
  const fields: Record<string, unknown> = {
    component: isUnary ? "gitaly.UnaryServerInterceptor" : "gitaly.StreamServerInterceptor",
    system: "grpc",
    "span.kind": "server",
    "grpc.service": call.method.parent.typeName,
    "grpc.method": call.method.name,
    "grpc.start_time": time.write(call.startedAtMs),
    "grpc.code": codeName(code),
    "grpc.time_ms": Math.round((performance.now() - startMs) * 1000) / 1000,
    "grpc.request.payload_bytes": call.statistics.receivedBytes,
    "grpc.response.payload_bytes": call.statistics.sentBytes,
    ...call.logFields,
  };
  if (call.deadlineMs !== undefined) fields["grpc.request.deadline"] = time.write(call.deadlineMs);
  const flags = enabledFlags(call.metadata);
  if (flags !== "") fields["feature_flags"] = flags;
  if (error !== undefined) Object.assign(fields, errorFields(error));
  logger[levelOf(code)](message, fields);
}

/** Not worth a warning: OK, Canceled, InvalidArgument, NotFound, AlreadyExists, Unauthenticated. */
const ORDINARY_CODES: ReadonlySet<number> = new Set([0, 1, 3, 5, 6, 16]);

/** DeadlineExceeded, PermissionDenied, ResourceExhausted, FailedPrecondition, Aborted, OutOfRange. */
const WARNING_CODES: ReadonlySet<number> = new Set([4, 7, 8, 9, 10, 11]);

function levelOf(code: number): "info" | "warn" | "error" {
  if (ORDINARY_CODES.has(code)) return "info";
  return WARNING_CODES.has(code) ? "warn" : "error";
}

/** The names of the features that the caller has switched on, sorted. */
function enabledFlags(metadata: RequestMetadata): string {
  const flags: string[] = [];
  for (const key of metadata.keys()) {
    if (!key.startsWith(FEATURE_PREFIX) || metadata.getAll(key)[0] !== "true") continue;
    flags.push(key.slice(FEATURE_PREFIX.length).replaceAll("-", "_"));
  }
  return flags.sort().join(" ");
}

/** The message of an error with those of its causes, and the facts that all of them know. */
function errorFields(error: unknown): LogFields {
  const metadata: Record<string, ErrorMetadata[string]> = {};
  let text = "";
  let cause = error;
  for (let depth = 0; cause instanceof Error && depth < CAUSES_MAX; depth++) {
    // Many messages already end with that of their cause.
    if (!text.endsWith(cause.message)) text += text === "" ? cause.message : `: ${cause.message}`;
    if (cause instanceof DomainError) Object.assign(metadata, { ...cause.metadata, ...metadata });
    cause = cause.cause;
  }
  const fields = { error: text === "" ? String(error) : text };
  return Object.keys(metadata).length === 0 ? fields : { ...fields, error_metadata: metadata };
}
