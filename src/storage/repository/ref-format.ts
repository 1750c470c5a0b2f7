import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { RefFormat } from "../../git/repository/repository-format.ts";
import { readRepositoryConfig } from "./repository-config.ts";

/** A repository's configuration asks for a way to store references that nobody knows. */
export class UnknownRefFormatError extends DomainError {
  constructor(name: string) {
    super("unknown", `unknown reference backend: ${quoteText(name)}`);
  }
}

/**
 * Reads how the repository at `path` (its git directory) stores its references. Without a setting
 * these are files.
 *
 * @throws UnknownRefFormatError, and what `readRepositoryConfig` throws
 */
export function readRefFormat(path: string): RefFormat {
  const value = readRepositoryConfig(path).get("extensions.refstorage");
  if (value === undefined) return "files";
  if (value !== "files" && value !== "reftable") throw new UnknownRefFormatError(value ?? "");
  return value;
}
