import type { Duplex, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { bytesFromBinary, textFromBinary } from "../../git/ref/binary-string.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import type { GitDirectory } from "../../gitcmd/git-directory.ts";
import { GitExitError, type GitRunner, type RunOptions } from "../../gitcmd/git-runner.ts";

/** All that a git process has said, and how it ended. */
export interface CollectedGit {
  readonly stdout: Buffer;
  /** The first megabyte. */
  readonly stderr: string;
  /** The same for messages that quote it, in which other bytes than UTF-8 stay what they are. */
  readonly stderrBytes: Buffer;
  readonly failure: GitExitError | undefined;
}

/** Answers the hooks that git runs, until it closes the channel; never rejects. */
export type ServeHooks = (channel: Duplex) => Promise<void>;

/** More than this of stderr is read, but not kept. */
const STDERR_LENGTH_MAX = 1024 * 1024;

/**
 * Runs git for callers that tell clients what git has said. Nothing of it is logged: it may hold
 * what only the client shall see.
 */
export async function collectGit(
  git: GitRunner,
  directory: GitDirectory | undefined,
  command: GitCommand,
  options: RunOptions & { readonly serveHooks?: ServeHooks | undefined },
): Promise<CollectedGit> {
  const { serveHooks, ...runOptions } = options;
  const channel = serveHooks !== undefined;
  const started = git.start(directory, command, { ...runOptions, channel, stderr: "stream" });
  await using process = await started;
  const serving = process.channel && serveHooks?.(process.channel);
  const { stdin } = options;
  const isFed = stdin !== undefined && typeof stdin !== "string";
  const [stdout, said] = await Promise.all([
    all(process.stdout),
    start(process.stderr),
    isFed && process.feed(stdin),
  ]);
  options.signal.throwIfAborted();
  const exit = await process.exited;
  await serving;
  const failed = exit.exitCode !== 0;
  const stderr = textFromBinary(said);
  const failure = failed ? new GitExitError({ ...exit, stderr }) : undefined;
  return { stdout, stderr, stderrBytes: bytesFromBinary(said), failure };
}

/** The end of a message about a command that failed: what it has said, if it has said anything. */
export function stderrSuffix({ stderrBytes }: Pick<CollectedGit, "stderrBytes">): string {
  return stderrBytes.length === 0 ? "" : `, stderr: ${quoteBytes(stderrBytes)}`;
}

/** An abort ends the stream early; how the process ended tells. */
async function all(stream: Readable): Promise<Buffer> {
  try {
    return await buffer(stream);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Returns a binary string. */
async function start(stream: Readable): Promise<string> {
  let said = "";
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (said.length < STDERR_LENGTH_MAX) said += chunk.toString("latin1");
    }
  } catch {
    // An abort.
  }
  return said;
}
