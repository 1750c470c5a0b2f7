import type { LimitReachedError } from "../../../base/limit/concurrency-limiter.ts";
import { LimitErrorSchema } from "../../../proto/errors_pb.ts";
import type { Call } from "../../call.ts";
import { detail, RpcError } from "../../rpc-error.ts";

/** What a client sends to be limited as everybody else though nobody has identified it. */
const UNLIMITED_FLAG = "gitaly-feature-limit-unauthenticated";

/** Whether the limits for known callers hold: whoever tells a user's name counts as identified. */
export function isIdentified({ metadata }: Pick<Call, "metadata">): boolean {
  return metadata.getAll("username").length > 0 || metadata.get(UNLIMITED_FLAG) === "false";
}

/** What a client is told that isn't let in: RESOURCE_EXHAUSTED with a LimitError. */
export function limitRefusal(cause: LimitReachedError): RpcError {
  const { kind, message } = cause;
  if (cause.reason === "other") return new RpcError(kind, message, { cause });
  const fields = { errorMessage: message, retryAfter: { seconds: 0n, nanos: 0 } };
  return new RpcError(kind, message, { cause, detail: detail(LimitErrorSchema, fields) });
}
