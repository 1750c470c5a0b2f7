import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { GitConfig } from "../../git/config/git-config.ts";
import type { ObjectFormat } from "../../git/oid/oid.ts";

/** A repository's configuration asks for an object format that is neither SHA-1 nor SHA-256. */
export class UnknownObjectFormatError extends DomainError {
  constructor(format: string) {
    super("unknown", `unknown object format: ${quoteText(format)}`);
  }
}

/** A repository's configuration can't be read. */
export class UnreadableConfigError extends DomainError {
  constructor(cause: unknown) {
    super("unknown", `open: ${systemErrorText(cause)}`, { cause });
  }
}

/**
 * Reads which object format the repository at `path` (its git directory) has. Without a setting it
 * is SHA-1.
 *
 * Reads synchronously: the file is small, and a trip to the thread pool costs more than it.
 *
 * @throws UnknownObjectFormatError, UnreadableConfigError, CorruptConfigError
 */
export function readObjectFormat(path: string): ObjectFormat {
  const value = GitConfig.parse(readConfig(path)).get("extensions.objectformat");
  if (value === undefined) return "sha1";
  if (value !== "sha1" && value !== "sha256") throw new UnknownObjectFormatError(value ?? "");
  return value;
}

function readConfig(path: string): Buffer {
  try {
    return readFileSync(join(path, "config"));
  } catch (error) {
    throw new UnreadableConfigError(error);
  }
}
