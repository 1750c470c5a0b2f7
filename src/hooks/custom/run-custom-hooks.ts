import type { Readable, Writable } from "node:stream";
import { getSystemErrorMap } from "node:util";
import { GitSpawnError } from "../../gitcmd/git-runner.ts";
import type { ProcessSpawner, SpawnedProcess } from "../../gitcmd/spawn/process-spawner.ts";
import type { HookOutput } from "../context/push-context.ts";
import { CustomHookError, HookError } from "../hook-errors.ts";

/** From SIGTERM to SIGKILL for a hook whose push was given up. */
const GRACE_MS = 1000;

/*
 * Spawned processes have sockets for standard streams, but scripts like to open /dev/stdin and
 * /dev/stderr, which works for pipes only. So a shell puts a pipe in between, with `cat` to carry
 * what goes through it. Descriptors: 5 is the pipe to stdout, 6 the one that the shell learns the
 * hook's exit status from.
 */
const WITH_PIPES = `
exec 3>&1 4>&2
run() {
  "$@" 3>&- 4>&- 5>&- 6>&-
  echo $? >&6
}
status=$({ { INPUT run "$@" 2>&1 >&5 | cat >&4; } 5>&1 | cat >&3; } 6>&1)
exit "$status"
`;
const WITH_INPUT = WITH_PIPES.replace("INPUT", "cat |");
const WITHOUT_INPUT = WITH_PIPES.replace("INPUT", "");

/** How custom hooks of one kind are called. */
export interface CustomHookCall {
  /** Paths of the programs, run one after another. */
  readonly programs: readonly string[];
  readonly args: readonly (string | Uint8Array)[];
  /** The whole environment, as `NAME=value`. */
  readonly environment: readonly string[];
  /** Directory that they run in. */
  readonly directory: string;
  /** Each program reads this; undefined reads as empty. */
  readonly stdin: Uint8Array | undefined;
}

/**
 * Runs the programs until one fails, which throws a CustomHookError.
 *
 * When `signal` is aborted, or the output can't be delivered, the running program and all that it
 * has started are ended.
 */
export async function runCustomHooks(
  spawner: ProcessSpawner,
  call: CustomHookCall,
  output: HookOutput,
  signal: AbortSignal,
): Promise<void> {
  for (const program of call.programs) {
    const exitCode = await runProgram(spawner, program, call, output, signal);
    if (exitCode === 0) continue;
    const reason = exitCode < 0 ? "signal: killed" : `exit status ${exitCode}`;
    throw new CustomHookError(program, exitCode, reason);
  }
}

async function runProgram(
  spawner: ProcessSpawner,
  program: string,
  call: CustomHookCall,
  output: HookOutput,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const spawned = await start(spawner, program, call);
  const end = (): void => spawned.cancel(GRACE_MS);
  signal.addEventListener("abort", end, { once: true });
  try {
    if (signal.aborted) end();
    feed(spawned.stdin, call.stdin);
    await Promise.all([
      relay(spawned.stdout, (chunk) => output.stdout(chunk)),
      relay(spawned.stderr, (chunk) => output.stderr(chunk)),
    ]);
    const { exitCode } = await spawned.exited;
    signal.throwIfAborted();
    return exitCode;
  } catch (error) {
    end();
    await spawned.exited;
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", end);
    spawned.stdin?.destroy();
    spawned.stdout.destroy();
    spawned.stderr?.destroy();
  }
}

async function start(
  spawner: ProcessSpawner,
  program: string,
  call: CustomHookCall,
): Promise<SpawnedProcess> {
  const script = call.stdin === undefined ? WITHOUT_INPUT : WITH_INPUT;
  try {
    return await spawner.spawn({
      program: "/bin/sh",
      args: ["-c", script, "sh", program, ...call.args],
      env: call.environment,
      cwd: call.directory,
      stdin: call.stdin === undefined ? "null" : "socket",
      stderr: "stream",
      channel: false,
    });
  } catch (cause) {
    if (!(cause instanceof GitSpawnError)) throw cause;
    throw new HookError(
      `executing custom hooks: starting process [${program}]: fork/exec ${program}: ${errorWords(cause.code)}`,
      cause,
    );
  }
}

/** A hook need not read its input. */
function feed(stdin: Writable | undefined, input: Uint8Array | undefined): void {
  stdin?.on("error", () => undefined);
  stdin?.end(input);
}

async function relay(
  stream: Readable | undefined,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  if (stream === undefined) return;
  for await (const chunk of stream as AsyncIterable<Buffer>) await write(chunk);
}

function errorWords(code: string): string {
  for (const [name, words] of getSystemErrorMap().values()) if (name === code) return words;
  return code;
}
