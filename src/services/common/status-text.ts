import type { DomainError } from "../../base/error/domain-error.ts";
import { codeName, codeOf } from "../../rpc/status/status.ts";

/** How clients of gRPC in Go put a failed call into words, when it is told of within a text. */
export function statusText(error: DomainError): string {
  return `rpc error: code = ${codeName(codeOf(error, undefined))} desc = ${error.message}`;
}
