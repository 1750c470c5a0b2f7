import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";
import { readRepositoryConfig } from "./repository-config.ts";

/** A repository's configuration asks for an object format that is neither SHA-1 nor SHA-256. */
export class UnknownObjectFormatError extends DomainError {
  constructor(format: string) {
    super("unknown", `unknown object format: ${quoteText(format)}`);
  }
}

/**
 * Reads which object format the repository at `path` (its git directory) has. Without a setting it
 * is SHA-1.
 *
 * @throws UnknownObjectFormatError, and what `readRepositoryConfig` throws
 */
export function readObjectFormat(path: string): ObjectFormat {
  const value = readRepositoryConfig(path).get("extensions.objectformat");
  if (value === undefined) return "sha1";
  if (value !== "sha1" && value !== "sha256") throw new UnknownObjectFormatError(value ?? "");
  return value;
}
