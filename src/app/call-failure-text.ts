import { CallError } from "../rpc/client/call-error.ts";
import { codeName, codeOf } from "../rpc/status/status.ts";

/** Why a call has failed, as clients of gRPC in Go put it. */
export function callFailureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof CallError)) return error.message;
  return `rpc error: code = ${codeName(codeOf(error, undefined))} desc = ${error.message}`;
}
