import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { quoteText } from "../../base/text/quote-text.ts";
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
 * @throws UnknownObjectFormatError, UnreadableConfigError
 */
export function readObjectFormat(path: string): ObjectFormat {
  const value = findExtension(readConfig(path), "objectformat");
  if (value === undefined) return "sha1";
  if (value !== "sha1" && value !== "sha256") throw new UnknownObjectFormatError(value);
  return value;
}

function readConfig(path: string): string {
  try {
    return readFileSync(join(path, "config"), "latin1");
  } catch (error) {
    throw new UnreadableConfigError(error);
  }
}

const SECTION = /^\s*\[\s*([^\]]*?)\s*\]/;
const SETTING = /^\s*([A-Za-z][A-Za-z0-9-]*)[ \t]*=[ \t]*("?)([^\s"#;]*)\2/;

/** The first value of a setting in the section `extensions`. */
function findExtension(config: string, wanted: string): string | undefined {
  let section = "";
  for (const line of config.split("\n")) {
    const header = SECTION.exec(line);
    if (header !== null) section = (header[1] ?? "").toLowerCase();
    if (section !== "extensions") continue;
    const setting = SETTING.exec(header === null ? line : line.slice(header[0].length));
    if (setting?.[1]?.toLowerCase() === wanted) return setting[3] ?? "";
  }
  return undefined;
}
