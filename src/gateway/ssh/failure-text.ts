import { DomainError } from "../../base/error/domain-error.ts";

/** What a client over SSH is told of a failure. */
export function failureText(error: unknown): string {
  return error instanceof DomainError ? error.message : "internal server error";
}
