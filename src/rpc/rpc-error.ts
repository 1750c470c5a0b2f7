import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import {
  DomainError,
  type DomainErrorOptions,
  type ErrorKind,
} from "../base/error/domain-error.ts";

export interface RpcErrorOptions extends DomainErrorOptions {
  /** A message that clients branch on, made by `detail`. */
  readonly detail?: Any | undefined;
}

/** A failure as the client sees it: kind, message and the structured details of the protocol. */
export class RpcError extends DomainError {
  readonly details: readonly Any[];

  constructor(kind: ErrorKind, message: string, options: RpcErrorOptions = {}) {
    super(kind, message, options);
    this.details = options.detail === undefined ? [] : [options.detail];
  }
}

/** Packs the fields of a protocol message as an error detail. */
export function detail<S extends DescMessage>(schema: S, fields: MessageInitShape<S>): Any {
  return anyPack(schema, create(schema, fields));
}

type Make = (message: string, options?: RpcErrorOptions) => RpcError;

function maker(kind: ErrorKind): Make {
  return (message, options) => new RpcError(kind, message, options);
}

export const invalidArgument: Make = maker("invalid-argument");
export const notFound: Make = maker("not-found");
export const failedPrecondition: Make = maker("failed-precondition");
export const permissionDenied: Make = maker("permission-denied");
export const unauthenticated: Make = maker("unauthenticated");
export const resourceExhausted: Make = maker("resource-exhausted");
export const aborted: Make = maker("aborted");
export const unimplemented: Make = maker("unimplemented");
export const dataLoss: Make = maker("data-loss");
export const internal: Make = maker("internal");
export const cancelled: Make = maker("cancelled");
export const deadlineExceeded: Make = maker("deadline-exceeded");

/**
 * Says what was being done when `cause` happened, keeping the most specific kind and the details.
 *
 * The message becomes `doing: cause`, as clients of the protocol expect, when the cause is one of
 * our own errors; the message of any other error stays in the log.
 */
export function wrapError(kind: ErrorKind, doing: string, cause: unknown): RpcError {
  if (!(cause instanceof DomainError)) return new RpcError(kind, doing, { cause });
  const [inherited] = cause instanceof RpcError ? cause.details : [];
  return new RpcError(cause.kind === "unknown" ? kind : cause.kind, `${doing}: ${cause.message}`, {
    cause,
    metadata: cause.metadata,
    detail: inherited,
  });
}
