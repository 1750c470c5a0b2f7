import type { Readable } from "node:stream";
import { type Logger, silentLogger } from "../../base/log/logger.ts";
import type { GitBinary } from "../binary/git-binary.ts";
import type { GitVersion } from "../binary/git-version.ts";
import {
  type Argument,
  type BuildCommandLine,
  checkConfigKeys,
  createCommandLine,
} from "../command/command-line.ts";
import { globalConfig } from "../command/fixed-config.ts";
import { type BuildEnvironment, createEnvironment } from "../command/git-environment.ts";
import { subcommandTraits } from "../command/subcommand.ts";
import type { ProcessUsage } from "../command-usage.ts";
import type { ConfigPair, GitCommand } from "../git-command.ts";
import type { GitDirectory } from "../git-directory.ts";
import {
  GitCommandError,
  type GitExit,
  type GitOutput,
  GitOutputTooLargeError,
  type GitProcess,
  type GitRunner,
  type RunOptions,
  STDOUT_BYTES_MAX,
} from "../git-runner.ts";
import type { ProcessSpawner, SpawnRequest } from "../spawn/process-spawner.ts";
import type { CommandMetrics } from "./command-metrics.ts";
import { SpawnedGit } from "./spawned-git.ts";

export interface GitRunnerOptions {
  readonly binary: GitBinary;
  readonly spawner: ProcessSpawner;
  /** The administrator's `[[git.config]]`. */
  readonly config?: readonly ConfigPair[];
  /** Transactions sync and lock by themselves, so git doesn't. */
  readonly transactions?: boolean;
  /** The server's own environment; only an allow-list of it reaches git. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cpuCount: number;
  readonly metrics?: CommandMetrics;
  /** Where git's complaints go when a call brings no logger of its own. */
  readonly logger?: Logger;
}

/** Runs git through `options.spawner`. Throws `GitCommandError` when a key of `config` is invalid. */
export function createGitRunner(options: GitRunnerOptions): GitRunner {
  return new ProcessGitRunner(options);
}

class ProcessGitRunner implements GitRunner {
  readonly #options: GitRunnerOptions;
  readonly #commandLine: BuildCommandLine;
  readonly #environment: BuildEnvironment;

  constructor(options: GitRunnerOptions) {
    const { binary, config = [], cpuCount, environment, transactions = false } = options;
    const namesRefFormat = environment["GIT_DEFAULT_REF_FORMAT"] !== undefined;
    this.#options = options;
    this.#environment = createEnvironment(environment, binary.env);
    this.#commandLine = createCommandLine({
      globalConfig: globalConfig(transactions),
      adminConfig: config,
      cpuCount,
      refFormat: namesRefFormat ? undefined : "files",
    });
  }

  async start(
    directory: GitDirectory | undefined,
    command: GitCommand,
    options: RunOptions,
  ): Promise<GitProcess> {
    options.signal.throwIfAborted();
    const args = this.#checkedArguments(directory, command, options);
    if (options.fallback !== undefined) this.#options.metrics?.recordFallback(options.fallback);
    const beganMs = performance.now();
    const spawned = await this.#options.spawner.spawn({
      program: this.#options.binary.path,
      args,
      env: this.#environment(directory, command.env),
      cwd: "/",
      stdin: stdinOf(options),
      stderr: options.stderr ?? "collect",
      channel: options.channel ?? false,
    });
    const recordUsage = this.#recordStart(command, options, beganMs);
    return new SpawnedGit(spawned, {
      signal: options.signal,
      mayUpdateRefs: subcommandTraits(command.name)?.mayUpdateRefs ?? true,
      onExit: (exit, usage) => {
        const realMicroseconds = microsecondsSince(beganMs);
        recordUsage({ ...usage, realMicroseconds });
        if (exit.stderr !== "") this.#logStderr(spawned.pid, args, exit, options);
      },
    });
  }

  async run(
    directory: GitDirectory | undefined,
    command: GitCommand,
    options: RunOptions,
  ): Promise<GitOutput> {
    await using git = await this.start(directory, command, options);
    const feeding = feed(git, options);
    const stdout = await collect(git.stdout, options.stdoutBytesMax ?? STDOUT_BYTES_MAX);
    await feeding;
    const { exitCode, stderr } = await git.wait(options.okExitCodes);
    return { stdout, stderr, exitCode };
  }

  async *stream(
    directory: GitDirectory | undefined,
    command: GitCommand,
    options: RunOptions,
  ): AsyncGenerator<Buffer, void, undefined> {
    await using git = await this.start(directory, command, options);
    const feeding = feed(git, options);
    const stdout: AsyncIterable<Buffer> = git.stdout;
    yield* stdout;
    await feeding;
    await git.wait(options.okExitCodes);
  }

  configOf({ name, config = [] }: Pick<GitCommand, "name" | "config">): readonly ConfigPair[] {
    const { config: admin = [], cpuCount, transactions = false } = this.#options;
    const special = subcommandTraits(name)?.config?.(cpuCount) ?? [];
    checkConfigKeys(config);
    return [...globalConfig(transactions), ...special, ...config, ...admin];
  }

  version(): Promise<GitVersion> {
    return Promise.resolve(this.#options.binary.version);
  }

  #checkedArguments(
    directory: GitDirectory | undefined,
    command: GitCommand,
    { hooks }: RunOptions,
  ): Argument[] {
    try {
      return this.#commandLine(directory, command, hooks);
    } catch (error) {
      if (error instanceof GitCommandError) this.#options.metrics?.recordInvalid(command.name);
      throw error;
    }
  }

  #recordStart(
    { name }: GitCommand,
    { usage }: RunOptions,
    beganMs: number,
  ): (usage: ProcessUsage) => void {
    const { metrics, binary } = this.#options;
    const startMicroseconds = microsecondsSince(beganMs);
    const kind = { rpc: usage?.rpc, subcommand: name, gitVersion: binary.version.text };
    const recordInMetrics = metrics?.recordStart(kind, startMicroseconds);
    usage?.recordStart(startMicroseconds);
    return (spent) => {
      recordInMetrics?.(spent);
      usage?.recordProcess(spent);
    };
  }

  /** The text is the message, as the reference server logs it. */
  #logStderr(pid: number, args: readonly Argument[], exit: GitExit, options: RunOptions): void {
    const logger = options.logger ?? this.#options.logger ?? silentLogger;
    const fields = {
      pid,
      path: this.#options.binary.path,
      args: args.map((argument) => Buffer.from(argument).toString()),
      "command.exitCode": exit.exitCode,
    };
    if (exit.exitCode === 0) logger.warn(exit.stderr, fields);
    else logger.error(exit.stderr, fields);
  }
}

function stdinOf({ stdin }: RunOptions): SpawnRequest["stdin"] {
  if (stdin === undefined) return "null";
  return stdin === "wide-pipe" ? "pipe" : "socket";
}

/** Not waited for at once, so a failure is taken note of here and thrown where it is awaited. */
function feed(git: GitProcess, { stdin }: RunOptions): Promise<void> {
  if (stdin === undefined || typeof stdin === "string") return Promise.resolve();
  const feeding = git.feed(stdin);
  feeding.catch(() => undefined);
  return feeding;
}

function collect(stdout: Readable, bytesMax: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const fail = () => reject(stdout.errored ?? new Error("stdout was closed early"));
  // After an abort its events may have passed already.
  if (stdout.destroyed) fail();
  const chunks: Buffer[] = [];
  let size = 0;
  stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    chunks.push(chunk);
    if (size > bytesMax) stdout.destroy(new GitOutputTooLargeError(bytesMax));
  });
  stdout.once("end", () => resolve(Buffer.concat(chunks, size)));
  stdout.once("close", fail);
  return promise;
}

function microsecondsSince(beganMs: number): number {
  return Math.round((performance.now() - beganMs) * 1000);
}
