import { fromBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { ErrorKind } from "../../base/error/domain-error.ts";
import { StatusSchema } from "../../proto/google/rpc/status_pb.ts";
import { RpcError } from "../rpc-error.ts";
import { kindOfCode } from "../status/status.ts";
import type { ResponseMetadata } from "./metadata.ts";

/** The failure of a call as the client sees it: the server's status, or what the transport met. */
export class CallError extends RpcError {
  override readonly details: readonly Any[];
  /** What the server sent along with its status; undefined when the transport failed. */
  readonly trailer: ResponseMetadata | undefined;

  constructor(
    kind: ErrorKind,
    message: string,
    options: { cause?: unknown; details?: readonly Any[]; trailer?: ResponseMetadata } = {},
  ) {
    super(kind, message, { cause: options.cause });
    this.details = options.details ?? [];
    this.trailer = options.trailer;
  }
}

/** Reads a call's end out of its trailers; undefined means that it succeeded. */
export function statusError(trailer: ResponseMetadata): CallError | undefined {
  const code = Number(trailer.get("grpc-status"));
  if (code === 0) return undefined;
  const message = percentDecoded(trailer.get("grpc-message") ?? "");
  return new CallError(kindOfCode(code) ?? "unknown", message, {
    details: detailsOf(trailer),
    trailer,
  });
}

/** The failure that an HTTP status stands for when a server, or a proxy before it, speaks no gRPC. */
export function httpStatusError(httpStatus: number): CallError {
  const kind = KIND_OF_HTTP_STATUS.get(httpStatus) ?? "unknown";
  return new CallError(kind, `unexpected HTTP status code received from server: ${httpStatus}`);
}

/** The failure that "connection lost" means to a call: nobody knows whether it was served. */
export function connectionError(cause: unknown): CallError {
  const reason = cause instanceof Error ? cause.message : "closed";
  return new CallError("unavailable", `connection error: ${reason}`, { cause });
}

/** How a call ends whose signal was aborted: by its caller, or because its time was up. */
export function abortError(signal: AbortSignal): CallError {
  const reason: unknown = signal.reason;
  const expired = reason instanceof DOMException && reason.name === "TimeoutError";
  return expired
    ? new CallError("deadline-exceeded", "context deadline exceeded", { cause: reason })
    : new CallError("cancelled", "context canceled", { cause: reason });
}

const KIND_OF_HTTP_STATUS: ReadonlyMap<number, ErrorKind> = new Map([
  [400, "internal"],
  [401, "unauthenticated"],
  [403, "permission-denied"],
  [404, "unimplemented"],
  [429, "unavailable"],
  [502, "unavailable"],
  [503, "unavailable"],
  [504, "unavailable"],
]);

function detailsOf(trailer: ResponseMetadata): readonly Any[] {
  const bytes = trailer.getBytes("grpc-status-details-bin").at(-1);
  if (bytes === undefined) return [];
  try {
    return fromBinary(StatusSchema, bytes).details;
  } catch {
    return []; // The code and the message still tell what happened.
  }
}

function percentDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll("%", ""), "hex").toString(),
  );
}
