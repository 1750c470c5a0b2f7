import type { Duplex, Readable, Writable } from "node:stream";
import {
  DomainError,
  type DomainErrorOptions,
  type ErrorKind,
} from "../base/error/domain-error.ts";
import type { Logger } from "../base/log/logger.ts";
import type { GitVersion } from "./binary/git-version.ts";
import type { CommandUsage } from "./command-usage.ts";
import type { FallbackReason } from "./fallback-reason.ts";
import type { ConfigPair, GitCommand } from "./git-command.ts";
import type { GitDirectory } from "./git-directory.ts";

/**
 * Runs git in processes of their own, outside of the server's process.
 *
 * Every process belongs to one call: when `options.signal` is aborted its whole process group is
 * ended (SIGTERM, soon after SIGKILL) and the call rejects with the signal's reason. A non-zero
 * exit status is a `GitExitError` unless it is listed in `okExitCodes`; a command that breaks the
 * rules of `GitCommand` is a `GitCommandError`; a process that can't be started a `GitSpawnError`.
 */
export interface GitRunner {
  /** Runs to completion and collects stdout; more than `stdoutBytesMax` is a `GitOutputTooLargeError`. */
  run(
    directory: GitDirectory | undefined,
    command: GitCommand,
    options: RunOptions,
  ): Promise<GitOutput>;

  /**
   * Yields stdout as it comes, at the reader's pace.
   *
   * A failed exit throws after the last chunk. Leaving the loop early ends the process group
   * before the generator settles.
   */
  stream(
    directory: GitDirectory | undefined,
    command: GitCommand,
    options: RunOptions,
  ): AsyncGenerator<Buffer, void, undefined>;

  /**
   * Starts git and hands over its streams. The caller reads stdout to its end, and disposes.
   *
   * `stdoutBytesMax` and `okExitCodes` mean nothing here.
   */
  start(
    directory: GitDirectory | undefined,
    command: GitCommand,
    options: RunOptions,
  ): Promise<GitProcess>;

  /**
   * Everything that a command is configured with on its command line, from the general to the
   * special; the last of several values counts. Throws `GitCommandError` for an invalid key.
   */
  configOf(command: Pick<GitCommand, "name" | "config">): readonly ConfigPair[];

  /** The version of the git that this runner runs. */
  version(): Promise<GitVersion>;
}

/** Where hooks are found. A command that may update refs has to say so; others run none. */
export type HooksChoice = { readonly hooksPath: string } | "disabled";

export interface RunOptions {
  readonly signal: AbortSignal;
  /**
   * What git reads. Without it `run` and `stream` give `/dev/null`; `start` does too unless it is
   * `"pipe"`, which leaves writing to the caller, or `"wide-pipe"`, which does so too and takes more
   * ahead of git: for much input that comes in bursts.
   */
  readonly stdin?: Uint8Array | AsyncIterable<Uint8Array> | "pipe" | "wide-pipe";
  /** Bound of what `run` collects. Default `STDOUT_BYTES_MAX`. */
  readonly stdoutBytesMax?: number;
  /** Exit codes beside 0 that are an answer, such as 1 of `merge-base --is-ancestor`. */
  readonly okExitCodes?: readonly number[];
  readonly hooks?: HooksChoice;
  /** Gives git a duplex socket as descriptor 3, which it hands down to its hooks. */
  readonly channel?: boolean;
  /** `"collect"` (the default) keeps the start of stderr for the error; `"stream"` hands it over. */
  readonly stderr?: "collect" | "stream";
  /** Sums up what this call's processes cost, and labels their metrics with the RPC. */
  readonly usage?: CommandUsage;
  /** Where git's complaints go; default: the runner's own. */
  readonly logger?: Logger;
  /** Why git is asked for something that is usually read in-process; counted. */
  readonly fallback?: FallbackReason;
}

/** Default of `RunOptions.stdoutBytesMax`. */
export const STDOUT_BYTES_MAX: number = 64 * 1024 * 1024;

export interface GitOutput {
  readonly stdout: Buffer;
  /** The first 10,000 bytes, lines cut at 4,096 bytes. */
  readonly stderr: string;
  readonly exitCode: number;
}

/** How a process ended. */
export interface GitExit {
  /** 0…255, or -1 when a signal ended it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
  /** What was collected, see `GitOutput.stderr`; empty when stderr was streamed. */
  readonly stderr: string;
}

/** A running git. Disposing ends its process group if it still runs and waits for its end. */
export interface GitProcess extends AsyncDisposable {
  readonly pid: number;
  /** A socket or a pipe. Git that stops reading ends it: use `feed` where that is no error. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Only with `stderr: "stream"`; otherwise already ended. */
  readonly stderr: Readable;
  readonly channel?: Duplex;
  /**
   * Settles when the process has ended, which may be before stdout was read to its end. Never
   * rejects, not even after an abort.
   */
  readonly exited: Promise<GitExit>;
  /**
   * Writes `source` to stdin at git's pace, then closes it; settles at the latest when git ends.
   *
   * Git that stops reading early is no error here: its exit status tells. When `source` throws, git
   * is ended, since it must not take what came so far for the whole, and the error is thrown on.
   */
  feed(source: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Waits for the end. Throws `GitExitError` unless the status is 0 or listed, and the reason of the
   * signal if that was aborted. Stdout has to be read, or destroyed, by then.
   */
  wait(okExitCodes?: readonly number[]): Promise<GitExit>;
  /** Sends `signal` to the process group; without one ends it as an abort does. */
  kill(signal?: NodeJS.Signals): void;
}

/**
 * Git ended with a status that says it failed.
 *
 * The message is what Go says about such an exit, since clients of the reference server may see
 * it: `exit status 128`, `signal: killed`.
 */
export class GitExitError extends DomainError {
  /** -1 when a signal ended it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
  /** The first 10,000 bytes, lines cut at 4,096 bytes. */
  readonly stderr: string;

  constructor(exit: GitExit, options: DomainErrorOptions = {}) {
    super("internal", exitMessage(exit), {
      ...options,
      metadata: { stderr: exit.stderr, ...options.metadata },
    });
    this.exitCode = exit.exitCode;
    this.signal = exit.signal;
    this.stderr = exit.stderr;
  }
}

/** The command breaks a rule of `GitCommand`, so nothing was started. */
export class GitCommandError extends DomainError {
  constructor(message: string, options: DomainErrorOptions = {}, kind: ErrorKind = "internal") {
    super(kind, message, options);
  }
}

/** The process could not be started: no program, no such directory, no resources. */
export class GitSpawnError extends DomainError {
  /** Name of the system error, such as `ENOENT`. */
  readonly code: string;

  constructor(message: string, code: string, options: DomainErrorOptions = {}) {
    super("internal", message, { ...options, metadata: { code, ...options.metadata } });
    this.code = code;
  }
}

/** No git of a version that we can work with was found. */
export class GitNotFoundError extends DomainError {
  constructor(message: string, options: DomainErrorOptions = {}) {
    super("failed-precondition", message, options);
  }
}

/** `run` was given less room than git filled. The process was ended. */
export class GitOutputTooLargeError extends DomainError {
  constructor(stdoutBytesMax: number) {
    super("resource-exhausted", "git's output is too large", {
      metadata: { stdout_bytes_max: stdoutBytesMax },
    });
  }
}

/** The names that Go gives to signals that end a process. */
const SIGNAL_TEXTS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGABRT: "aborted",
  SIGALRM: "alarm clock",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGHUP: "hangup",
  SIGILL: "illegal instruction",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap",
};

function exitMessage({ exitCode, signal }: GitExit): string {
  if (signal === undefined) return `exit status ${exitCode}`;
  return `signal: ${SIGNAL_TEXTS[signal] ?? signal}`;
}
