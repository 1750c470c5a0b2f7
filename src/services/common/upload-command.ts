import type { Readable } from "node:stream";
import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { type Boundary, PacketObserver } from "../../git/negotiation/packfile-negotiation.ts";
import type { GitCommand } from "../../gitcmd/git-command.ts";
import { GitExitError, type GitProcess, type GitRunner } from "../../gitcmd/git-runner.ts";
import { cancelled, deadlineExceeded } from "../../rpc/rpc-error.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { GitCall } from "./git-call.ts";

/** Where the bytes of a serving git process come from and go to. */
export interface Exchange {
  readonly input: AsyncIterable<Uint8Array>;
  /** Takes a piece of stdout; settles when there is room for the next. */
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
  /** What the client has to have sent before the time is up. */
  readonly boundary: Boundary;
  /**
   * How long a client may take until then. Access was checked when the call began; a client that
   * could wait would use rights that it may have lost since.
   */
  readonly negotiationTimeoutMs: number;
}

/** A serving git process has failed; the message holds its exit status and what it said. */
export class UploadCommandError extends DomainError {
  readonly exitCode: number;

  constructor(cause: GitExitError, stderr: string) {
    const said = quoteText(Buffer.from(stderr, "latin1").toString());
    super("unknown", `cmd wait: ${cause.message}, stderr: ${said}`, { cause });
    this.exitCode = cause.exitCode;
  }
}

/** What git says when its client goes away in the middle of a sentence. */
export const HUNG_UP = "fatal: the remote end hung up unexpectedly\n";

/** Bytes of stderr that are kept for the error message. */
const STDERR_BYTES_MAX = 64 * 1024;

/**
 * Runs a git command that serves a client, such as `upload-pack`, until it ends.
 *
 * @returns the observer that has listened to the client's side of the negotiation
 */
export async function runUploadCommand(
  git: GitRunner,
  repository: LocatedRepository,
  command: GitCommand,
  exchange: Exchange,
  { signal, usage, boundary, negotiationTimeoutMs }: UploadOptions,
): Promise<PacketObserver> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), negotiationTimeoutMs);
  const observer = new PacketObserver(boundary, () => clearTimeout(timer));
  let stderr = "";
  try {
    await using process = await git.start(repository, command, {
      signal: AbortSignal.any([signal, limit.signal]),
      usage,
      stdin: "pipe",
      stderr: "stream",
    });
    const feeding = process.feed(observed(exchange.input, observer));
    await Promise.all([
      drain(process.stdout, exchange.output),
      drain(process.stderr, async (chunk) => {
        if (stderr.length < STDERR_BYTES_MAX) stderr += chunk.toString("latin1");
        await exchange.progress?.(chunk);
      }),
    ]);
    await finish(process, feeding);
    return observer;
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

/** Passes on what the client sends, with the observer listening in. */
export async function* observed(
  input: AsyncIterable<Uint8Array>,
  observer: PacketObserver,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) {
    observer.feed(chunk);
    yield chunk;
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
