import { DomainError } from "../../../base/error/domain-error.ts";
import { RpcError } from "../../rpc-error.ts";
import type { Interceptor } from "../interceptor.ts";

const MESSAGE = "The operation could not be completed. Please try again.";

/**
 * Tells callers of an aborted call to try again, in words that people may see.
 *
 * What really happened is kept for the log as `error_details`; error details for programs stay.
 */
export const replaceAborted: Interceptor = async (_call, next) => {
  try {
    await next();
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== "aborted") throw error;
    const [detail] = error instanceof RpcError ? error.details : [];
    const metadata = { ...error.metadata, error_details: error.message };
    throw new RpcError("aborted", MESSAGE, { cause: error.cause, metadata, detail });
  }
};
