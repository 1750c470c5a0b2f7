import { DomainError } from "../../base/error/domain-error.ts";
import { ObjectNotFoundError } from "../../git/object/object-error.ts";
import { RpcError } from "../../rpc/rpc-error.ts";

/**
 * Makes a failure internal that nobody has given another kind, keeping its message. An object that
 * an RPC didn't expect to be missing is such a failure too.
 */
export function asInternal(error: unknown): unknown {
  if (!(error instanceof DomainError)) return error;
  if (error.kind !== "unknown" && !(error instanceof ObjectNotFoundError)) return error;
  const { message, metadata } = error;
  const [detail] = error instanceof RpcError ? error.details : [];
  return new RpcError("internal", message, { cause: error, metadata, detail });
}
