import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DomainError } from "../../base/error/domain-error.ts";
import { GitConfig } from "../config/git-config.ts";
import type { ObjectFormat } from "../oid/oid.ts";

/** How a repository stores its references. */
export type RefFormat = "files" | "reftable";

/** There is no repository at a path: nothing, or a folder that lacks what git looks for. */
export class RepositoryMissingError extends DomainError {
  constructor(path: string, options: { readonly cause?: unknown } = {}) {
    super("not-found", "repository does not exist", { ...options, metadata: { path } });
  }
}

/** A repository's configuration asks for something that can't be read in-process. */
export class UnsupportedRepositoryError extends DomainError {
  constructor(name: string, value: string) {
    super("failed-precondition", "repository has an unsupported format", {
      metadata: { name, value },
    });
  }
}

/** What a repository's configuration says about how it is stored. */
export interface RepositoryFormat {
  readonly objectFormat: ObjectFormat;
  readonly refFormat: RefFormat;
  readonly config: GitConfig;
  /** What `config` was parsed from. */
  readonly configBytes: Buffer;
}

/** A configuration file isn't read beyond this. */
const CONFIG_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Reads the configuration of the repository whose git directory is `path`.
 *
 * Throws `RepositoryMissingError` without a configuration, `CorruptConfigError` for a broken one,
 * and `UnsupportedRepositoryError` for formats that git itself may or may not know.
 */
export function readRepositoryFormat(path: string): RepositoryFormat {
  const configBytes = readConfigBytes(path);
  const config = GitConfig.parse(configBytes);
  return {
    objectFormat: chooseFormat(config, "extensions.objectformat", ["sha1", "sha256"]),
    refFormat: chooseFormat(config, "extensions.refstorage", ["files", "reftable"]),
    config,
    configBytes,
  };
}

/** Reads the configuration file of the repository at `path`. Throws `RepositoryMissingError`. */
export function readConfigBytes(path: string): Buffer {
  try {
    const bytes = readFileSync(join(path, "config"));
    if (bytes.length > CONFIG_BYTES_MAX)
      throw new UnsupportedRepositoryError("config", "too large");
    return bytes;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && /^(?:ENOENT|ENOTDIR)$/.test(`${cause.code}`)) {
      throw new RepositoryMissingError(path, { cause });
    }
    throw cause;
  }
}

/** The first format is what a repository has that doesn't say anything. */
function chooseFormat<T extends string>(
  config: GitConfig,
  name: string,
  formats: readonly [T, ...T[]],
): T {
  const value = config.get(name);
  if (value === undefined) return formats[0];
  const known = formats.find((format) => format === value);
  if (known === undefined) throw new UnsupportedRepositoryError(name, value ?? "");
  return known;
}
