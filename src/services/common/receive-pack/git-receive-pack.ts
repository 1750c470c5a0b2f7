import type { Readable } from "node:stream";
import type { ConfigPair, GitCommand, GitFlag } from "../../../gitcmd/git-command.ts";
import { GitExitError } from "../../../gitcmd/git-runner.ts";
import type { PushContext } from "../../../hooks/context/push-context.ts";
import { serveHookChannel } from "../../../hooks/stub/serve-hook-channel.ts";
import type { GitCall } from "../git-call.ts";
import { startFailure } from "../start-failure.ts";
import { drain, type Exchange } from "../upload-command.ts";
import type { ReceivePackNeeds } from "./receive-pack-needs.ts";

/** How `git receive-pack` is to be run. */
export interface GitReceivePack {
  readonly context: PushContext;
  readonly protocol: "ssh" | "http";
  readonly config: readonly ConfigPair[];
  readonly flags: readonly GitFlag[];
  readonly env: Readonly<Record<string, string>>;
  /** What the client sends, from the beginning. */
  readonly input: AsyncIterable<Uint8Array>;
}

/** `git receive-pack` has failed; the client has been told what it said. */
export interface ReceivePackResult {
  readonly failure: GitExitError | undefined;
  /** The start of what git said on stderr. */
  readonly stderr: string;
}

/** Bytes of stderr that are kept to judge a failure by. */
const STDERR_BYTES_MAX = 64 * 1024;

/** What clients are told when git could not be started. */
const START_FAILURE = {
  ssh: { kind: "internal", doing: "start cmd" },
  http: { kind: "failed-precondition", doing: "spawning receive-pack" },
} as const;

/**
 * Runs `git receive-pack` for a client, with the push's hooks answered by this process: for what
 * `receivePush` leaves to git.
 */
export async function runGitReceivePack(
  { git, hooks, hookStubs, logger }: ReceivePackNeeds,
  { context, protocol, config, flags, env, input }: GitReceivePack,
  exchange: Exchange,
  call: GitCall,
): Promise<ReceivePackResult> {
  const { repository } = context;
  const args = [repository.path];
  const command: GitCommand = { name: "receive-pack", config, flags, args, env };
  const chosen = hookStubs.choose(hooks.neededHooks(context));
  await using process = await git
    .start(repository, command, {
      ...call,
      stdin: "pipe",
      // What nobody is shown goes to the log.
      stderr: exchange.progress === undefined ? "collect" : "stream",
      channel: chosen !== "disabled",
      hooks: chosen,
    })
    .catch((error: unknown) => {
      const { kind, doing } = START_FAILURE[protocol];
      throw startFailure(kind, doing, error);
    });
  const serving =
    process.channel && serveHookChannel(process.channel, hooks, context, call.signal, logger);
  const stderr = new StderrStart();
  // A client whose push has been answered may keep its side open: nobody waits for it.
  process.feed(input).catch(() => undefined);
  await Promise.all([
    drain(process.stdout, exchange.output),
    relayStderr(process.stderr, stderr, exchange),
  ]);
  const failure = await exitFailure(process);
  await serving;
  return { failure, stderr: stderr.text };
}

class StderrStart {
  text = "";

  add(chunk: Buffer): void {
    if (this.text.length < STDERR_BYTES_MAX) this.text += chunk.toString("latin1");
  }
}

async function relayStderr(
  stream: Readable,
  start: StderrStart,
  exchange: Exchange,
): Promise<void> {
  await drain(stream, async (chunk) => {
    start.add(chunk);
    await exchange.progress?.(chunk);
  });
}

async function exitFailure(process: {
  wait(): Promise<unknown>;
}): Promise<GitExitError | undefined> {
  try {
    await process.wait();
    return undefined;
  } catch (error) {
    if (error instanceof GitExitError) return error;
    throw error;
  }
}
