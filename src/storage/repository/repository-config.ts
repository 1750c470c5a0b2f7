import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { GitConfig } from "../../git/config/git-config.ts";

/** A repository's configuration can't be read. */
export class UnreadableConfigError extends DomainError {
  constructor(cause: unknown) {
    super("unknown", `open: ${systemErrorText(cause)}`, { cause });
  }
}

/**
 * Reads the configuration of the repository at `path` (its git directory).
 *
 * Reads synchronously: the file is small, and a trip to the thread pool costs more than it.
 *
 * @throws UnreadableConfigError, CorruptConfigError
 */
export function readRepositoryConfig(path: string): GitConfig {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(path, "config"));
  } catch (error) {
    throw new UnreadableConfigError(error);
  }
  return GitConfig.parse(bytes);
}
