import { create, toBinary } from "@bufbuild/protobuf";
import { DomainError, type ErrorKind } from "../../base/error/domain-error.ts";
import { StatusSchema } from "../../proto/google/rpc/status_pb.ts";
import { RpcError } from "../rpc-error.ts";

/** gRPC status codes by the kind of the error; the numbers are those of the gRPC specification. */
export const STATUS_CODE: Readonly<Record<ErrorKind, number>> = {
  cancelled: 1,
  unknown: 2,
  "invalid-argument": 3,
  "deadline-exceeded": 4,
  "not-found": 5,
  "already-exists": 6,
  "permission-denied": 7,
  "resource-exhausted": 8,
  "failed-precondition": 9,
  aborted: 10,
  "out-of-range": 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  "data-loss": 15,
  unauthenticated: 16,
};

const KIND_OF_CODE: ReadonlyMap<number, ErrorKind> = new Map(
  Object.entries(STATUS_CODE).map(([kind, code]) => [code, kind as ErrorKind]),
);

const CODE_NAMES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

/** The kind that a gRPC code stands for; undefined for OK and for codes that do not exist. */
export function kindOfCode(code: number): ErrorKind | undefined {
  return KIND_OF_CODE.get(code);
}

/** The name of a gRPC code as metrics and logs spell it: `InvalidArgument`. */
export function codeName(code: number): string {
  return CODE_NAMES[code] ?? `Code(${code})`;
}

/** The end of a call as it goes over the wire. */
export interface Status {
  readonly code: number;
  readonly message: string;
  /** A serialized google.rpc.Status for `grpc-status-details-bin`, when there are details. */
  readonly details: Uint8Array | undefined;
}

export const STATUS_OK: Status = { code: 0, message: "", details: undefined };

/** What became of the call when its signal was aborted. */
export type Interruption = "cancelled" | "deadline-exceeded";

/**
 * Translates whatever a handler threw into the status that the client receives.
 *
 * An interrupted call ends as CANCELLED or DEADLINE_EXCEEDED whatever the error says. Errors that
 * nobody named end as INTERNAL without their text, which belongs to the log.
 */
export function statusOf(error: unknown, interruption: Interruption | undefined): Status {
  const code = codeOf(error, interruption);
  const message = messageOf(error, interruption);
  const details = error instanceof RpcError ? error.details : [];
  if (details.length === 0) return { code, message, details: undefined };
  const status = create(StatusSchema, { code, message, details: [...details] });
  return { code, message, details: toBinary(StatusSchema, status) };
}

/** Only the code of `statusOf`, which is what logs and metrics count. */
export function codeOf(error: unknown, interruption: Interruption | undefined): number {
  return STATUS_CODE[interruption ?? kindOf(error)];
}

function kindOf(error: unknown): ErrorKind {
  if (!(error instanceof DomainError) || error.kind === "unknown") return "internal";
  return error.kind;
}

function messageOf(error: unknown, interruption: Interruption | undefined): string {
  if (error instanceof DomainError) return error.message;
  if (interruption === "cancelled") return "context canceled";
  if (interruption === "deadline-exceeded") return "context deadline exceeded";
  return "internal error";
}
