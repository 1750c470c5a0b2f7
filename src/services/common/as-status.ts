import { RpcError } from "../../rpc/rpc-error.ts";
import { codeName, STATUS_CODE } from "../../rpc/status/status.ts";

/** An error that another server has answered, in the words of the protocol's libraries. */
export function asStatus(error: unknown): unknown {
  if (!(error instanceof RpcError) || error.kind === "unknown") return error;
  const { kind, message } = error;
  const text = `rpc error: code = ${codeName(STATUS_CODE[kind])} desc = ${message}`;
  return new RpcError(kind, text, { cause: error });
}
