import { DomainError } from "../../base/error/domain-error.ts";
import { findCause } from "../../base/error/find-cause.ts";
import { NotAllowedError } from "../../hooks/hook-errors.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";

/**
 * Why a reference hasn't changed, when clients aren't told by a detail: an internal error, unless
 * something more specific was said. What GitLab says is nothing specific here.
 *
 * @param doing stands in front of the reason; empty for nothing
 */
export function otherChangeFailure(doing: string, error: unknown): unknown {
  if (!(error instanceof DomainError)) return error;
  const { message, metadata } = error;
  if (findCause(error, NotAllowedError) !== undefined) {
    const text = doing === "" ? message : `${doing}: ${message}`;
    return new RpcError("internal", text, { cause: error, metadata });
  }
  if (doing !== "") return wrapError("internal", doing, error);
  return error.kind === "unknown"
    ? new RpcError("internal", message, { cause: error, metadata })
    : error;
}
