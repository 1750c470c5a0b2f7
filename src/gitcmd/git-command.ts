import type { GitSubcommand } from "./command/git-subcommand.ts";

/** One setting, as `git -c key=value` takes it. */
export interface ConfigPair {
  /** Section, optional subsection and variable, joined by dots: `core.fsync`. */
  readonly key: string;
  readonly value: string;
}

/**
 * What git shall do, apart from where and with which streams.
 *
 * The parts are kept apart so that a value can never turn into an option: `flags` are literals of
 * the caller, everything that comes from a request goes into `args` or `paths`. Everything is
 * checked before a process starts; a refused command throws `GitCommandError`.
 */
export interface GitCommand {
  readonly name: GitSubcommand;
  /** The second word of commands that have one: `add` in `git remote add`. */
  readonly verb?: string;
  /** Options of this call, given as `-c`; they win over the fixed ones, the administrator's over them. */
  readonly config?: readonly ConfigPair[];
  /** Literals such as `--porcelain`; a pair is an option and its value in an argument of its own. */
  readonly flags?: readonly GitFlag[];
  /**
   * Positional arguments: no NUL, no leading dash (`rev-list` takes the pseudo revisions `--all`,
   * `--not` …). Text goes as UTF-8, bytes as they are. `--end-of-options` precedes them where the
   * subcommand knows it.
   */
  readonly args?: readonly (string | Uint8Array)[];
  /** What follows `--`: any bytes but NUL, a leading dash included. */
  readonly paths?: readonly (string | Uint8Array)[];
  /** Added to the scrubbed environment; cannot override the fixed variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes the paths as they are instead of as patterns. */
  readonly literalPathspecs?: boolean;
}

/** An option, or an option and its value: `--bare`, `["-n", "20"]`; bytes go as they are. */
export type GitFlag = string | readonly [flag: string, value: string | Uint8Array];
