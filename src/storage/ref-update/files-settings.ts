import {
  type GitConfig,
  parseConfigBoolean,
  parseConfigInteger,
} from "../../git/config/git-config.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";

/** How git is configured to change references stored as files. */
export interface FilesSettings {
  /** How long to wait for a reference's lock; 0 for not at all, below that without end. */
  readonly refLockTimeoutMs: number;
  /** The same for packed-refs. */
  readonly packedRefsTimeoutMs: number;
}

const REF_LOCK_TIMEOUT_MS = 100;
const PACKED_REFS_TIMEOUT_MS = 1000;

/** Settings with which git does more than is done in-process, unless they are false. */
const FALSE_SETTINGS = [
  "core.logallrefupdates",
  "core.prefersymlinkrefs",
  "core.lockfilepid",
  "core.ignorecase",
];

/** Extensions of the repository format that change nothing about references in files. */
const KNOWN_EXTENSIONS = new Set([
  "extensions.objectformat",
  "extensions.refstorage",
  "extensions.noop",
  "extensions.noop-v1",
  "extensions.preciousobjects",
  "extensions.partialclone",
]);

/**
 * Reads how references are changed in a repository with the configuration `config`, by a git whose
 * commands run with `commandConfig`; undefined when that is left to git itself.
 *
 * Lock files are always synced before they count, whatever `core.fsync` says.
 */
export function readFilesSettings(
  config: GitConfig,
  commandConfig: readonly ConfigPair[],
): FilesSettings | undefined {
  const settings = new Settings(config, commandConfig);
  const refLockTimeoutMs = settings.integer("core.filesreflocktimeout", REF_LOCK_TIMEOUT_MS);
  const packedRefsTimeoutMs = settings.integer("core.packedrefstimeout", PACKED_REFS_TIMEOUT_MS);
  if (refLockTimeoutMs === undefined || packedRefsTimeoutMs === undefined) return undefined;
  const isPlain =
    settings.isTrue("core.bare") &&
    settings.get("core.worktree") === undefined &&
    FALSE_SETTINGS.every((name) => settings.isFalse(name)) &&
    /^(?:umask|false|0)$/.test(settings.get("core.sharedrepository") ?? "umask") &&
    config.entries.every(({ name }) => isPlainEntry(name));
  return isPlain ? { refLockTimeoutMs, packedRefsTimeoutMs } : undefined;
}

function isPlainEntry(name: string): boolean {
  if (name.startsWith("extensions.")) return KNOWN_EXTENSIONS.has(name);
  return !name.startsWith("include.") && !name.startsWith("includeif.");
}

class Settings {
  readonly #config: GitConfig;
  readonly #commandConfig: readonly ConfigPair[];

  constructor(config: GitConfig, commandConfig: readonly ConfigPair[]) {
    this.#config = config;
    this.#commandConfig = commandConfig;
  }

  /** The value that counts; a key without one is true. */
  get(name: string): string | undefined {
    const last = this.#commandConfig.findLast(({ key }) => key.toLowerCase() === name);
    if (last !== undefined) return last.value;
    const value = this.#config.get(name);
    return value === null ? "true" : value;
  }

  isTrue(name: string): boolean {
    return parseConfigBoolean(this.get(name) ?? "false") === true;
  }

  isFalse(name: string): boolean {
    return parseConfigBoolean(this.get(name) ?? "false") === false;
  }

  /** Undefined when it is none. */
  integer(name: string, usual: number): number | undefined {
    const value = this.get(name);
    return value === undefined ? usual : parseConfigInteger(value);
  }
}
