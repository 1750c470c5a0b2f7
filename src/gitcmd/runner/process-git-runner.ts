import type { GitBinary } from "../binary/git-binary.ts";
import { type CommandLineDefaults, commandLine } from "../command/command-line.ts";
import { globalConfig } from "../command/fixed-config.ts";
import { gitEnvironment } from "../command/git-environment.ts";
import { subcommandTraits } from "../command/subcommand.ts";
import type { ConfigPair, GitCommand } from "../git-command.ts";
import type { GitDirectory } from "../git-directory.ts";
import {
  type GitOutput,
  GitOutputTooLargeError,
  type GitProcess,
  type GitRunner,
  type RunOptions,
  STDOUT_BYTES_MAX,
} from "../git-runner.ts";
import type { ProcessSpawner, SpawnedProcess } from "../spawn/process-spawner.ts";
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
}

/** Runs git through `options.spawner`. */
export function createGitRunner(options: GitRunnerOptions): GitRunner {
  const defaults: CommandLineDefaults = {
    globalConfig: globalConfig(options.transactions ?? false),
    adminConfig: options.config ?? [],
    cpuCount: options.cpuCount,
    refFormat: options.environment["GIT_DEFAULT_REF_FORMAT"] === undefined ? "files" : undefined,
  };
  async function start(
    directory: GitDirectory | undefined,
    command: GitCommand,
    run: RunOptions,
  ): Promise<GitProcess> {
    run.signal.throwIfAborted();
    const args = commandLine(directory, command, run.hooks, defaults);
    const spawned: SpawnedProcess = await options.spawner.spawn({
      program: options.binary.path,
      args,
      env: gitEnvironment(options.environment, options.binary.env, directory, command.env),
      cwd: "/",
      stdin: run.stdin === undefined ? "null" : "socket",
      stderr: run.stderr ?? "collect",
      channel: run.channel ?? false,
    });
    const traits = subcommandTraits(command.name);
    return new SpawnedGit(spawned, run.signal, traits?.mayUpdateRefs ?? true);
  }
  return {
    start,
    run: (directory, command, run) => collect(start(directory, command, run), run),
    stream: (directory, command, run) => streamed(start(directory, command, run), run),
    version: () => Promise.resolve(options.binary.version),
  };
}

async function collect(starting: Promise<GitProcess>, options: RunOptions): Promise<GitOutput> {
  const max = options.stdoutBytesMax ?? STDOUT_BYTES_MAX;
  await using git = await starting;
  const feeding = feed(git, options);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of git.stdout as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > max) throw new GitOutputTooLargeError(max);
    chunks.push(chunk);
  }
  await feeding;
  const { exitCode, stderr } = await git.wait(options.okExitCodes);
  return { stdout: Buffer.concat(chunks, size), stderr, exitCode };
}

async function* streamed(
  starting: Promise<GitProcess>,
  options: RunOptions,
): AsyncGenerator<Buffer, void, undefined> {
  await using git = await starting;
  const feeding = feed(git, options);
  yield* git.stdout as AsyncIterable<Buffer>;
  await feeding;
  await git.wait(options.okExitCodes);
}

function feed(git: GitProcess, { stdin }: RunOptions): Promise<void> {
  return stdin === undefined || stdin === "pipe" ? Promise.resolve() : git.feed(stdin);
}
