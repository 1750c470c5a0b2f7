import type { Readable } from "node:stream";
import { DomainError } from "../../base/error/domain-error.ts";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import type { PacketObserver } from "../../git/negotiation/packfile-negotiation.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitProcess, type GitRunner } from "../../gitcmd/git-runner.ts";
import { cancelled, deadlineExceeded } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { GitCall } from "./git-call.ts";
import { type PackSharingSettings, whileSharing } from "./pack-objects/pack-sharing.ts";
import { relay } from "./relay.ts";
import { startFailure } from "./start-failure.ts";

/** Where the bytes of a serving git process come from and go to. */
export interface Exchange {
  readonly input: AsyncIterable<Uint8Array>;
  /** Takes a piece of stdout; settles when it doesn't need it any more: then its memory is given back. */
  readonly output: (chunk: Buffer) => Promise<void>;
  /** Takes a piece of stderr; settles when there is room for the next. */
  readonly progress?: (chunk: Buffer) => Promise<void>;
}

/** How long clients may take to say what they want. */
export interface NegotiationTimeouts {
  readonly uploadPackNegotiationMs: number;
  readonly uploadArchiveNegotiationMs: number;
}

export interface UploadOptions extends GitCall {
  /** Listens to the client; its boundary has to be passed before the time is up. */
  readonly observer: PacketObserver;
  /**
   * How long a client may take until then. Access was checked when the call began; a client that
   * could wait would use rights that it may have lost since.
   */
  readonly negotiationTimeoutMs: number;
  /** Where git gets packs from that are shared. */
  readonly sharing?: Pick<PackSharingSettings, "serve">;
}

/** A serving git process has failed; the message holds its exit status and what it said. */
export class UploadCommandError extends DomainError {
  readonly exitCode: number;

  constructor(cause: GitExitError, stderr: string) {
    const said = quoteBytes(Buffer.from(stderr, "latin1"));
    super("unknown", `cmd wait: ${cause.message}, stderr: ${said}`, { cause });
    this.exitCode = cause.exitCode;
  }
}

/** What git says when its client goes away in the middle of a sentence. */
export const HUNG_UP = "fatal: the remote end hung up unexpectedly\n";

/** The longest time that a timer can be set to; it would go off at once otherwise. */
export const TIMER_MS_MAX: number = 2 ** 31 - 1;

/** Bytes of stderr that are kept for the error message. */
const STDERR_BYTES_MAX = 64 * 1024;

/**
 * Runs a git command that serves a client, such as `upload-pack`, until it ends.
 *
 * Throws an UploadCommandError when git fails, and an RpcError when the client was too slow
 * (`deadline-exceeded`) or went away (`cancelled`).
 */
export async function runUploadCommand(
  git: GitRunner,
  repository: LocatedRepository,
  command: GitCommand,
  exchange: Exchange,
  { signal, usage, observer, negotiationTimeoutMs, sharing = {} }: UploadOptions,
): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), Math.min(negotiationTimeoutMs, TIMER_MS_MAX));
  observer.onBoundary(() => clearTimeout(timer));
  let stderr = "";
  try {
    const channel = sharing.serve !== undefined;
    const options = { signal: AbortSignal.any([signal, limit.signal]), usage, channel } as const;
    await using process = await start(git, repository, command, options);
    const feeding = process.feed(observed(exchange.input, observer));
    await whileSharing(process, sharing, usage, async () => {
      await Promise.all([
        relay(process.stdout, exchange.output),
        drain(process.stderr, async (chunk) => {
          if (stderr.length < STDERR_BYTES_MAX) stderr += chunk.toString("latin1");
          await exchange.progress?.(chunk);
        }),
      ]);
      await finish(process, feeding);
    });
  } catch (error) {
    if (limit.signal.aborted && !signal.aborted) {
      throw deadlineExceeded("waiting for negotiation: context canceled", { cause: error });
    }
    if (error instanceof GitExitError && stderr === HUNG_UP) {
      throw cancelled("user canceled the request", { cause: error });
    }
    if (error instanceof GitExitError) throw new UploadCommandError(error, stderr);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function start(
  git: GitRunner,
  repository: LocatedRepository,
  command: GitCommand,
  options: GitCall & { readonly channel: boolean },
): Promise<GitProcess> {
  try {
    return await git.start(repository, command, { ...options, stdin: "pipe", stderr: "stream" });
  } catch (error) {
    throw startFailure("internal", "starting command", error);
  }
}

/**
 * Passes on what the client sends, with the observer listening in. For git, a client that has failed
 * is one that says no more.
 */
export async function* observed(
  input: AsyncIterable<Uint8Array>,
  observer: PacketObserver,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of untilFailure(input)) {
    observer.feed(chunk);
    yield chunk;
  }
  observer.end();
}

/** Takes a failure of the source for its end. When the call has failed with it, git is ended. */
export async function* untilFailure(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch(() => undefined);
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** Passes on what a stream gives, at the pace of the taker. */
export async function drain(
  stream: Readable,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  for await (const chunk of stream as AsyncIterable<Buffer>) await take(chunk);
}

/** Waits for git's end. A client that still has something to say then is not waited for. */
async function finish(process: GitProcess, feeding: Promise<void>): Promise<void> {
  feeding.catch(() => undefined);
  await process.wait();
}
