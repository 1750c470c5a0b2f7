import { type Duplex, Readable, Writable } from "node:stream";
import { type GitExit, GitExitError, type GitProcess } from "../git-runner.ts";
import type { SpawnExit, SpawnedProcess } from "../spawn/process-spawner.ts";
import { stderrText } from "./stderr-text.ts";

/** From SIGTERM to SIGKILL, for commands that only read. */
const GRACE_MS = 80;
/** For commands that may hold locks of refs, which a SIGKILL would leave behind. */
const GRACE_WRITING_MS = 1000;

export interface SpawnedGitOptions {
  readonly signal: AbortSignal;
  readonly mayUpdateRefs: boolean;
  /** Called once, before anybody else learns of the end. */
  readonly onExit: (exit: GitExit, usage: SpawnExit["usage"]) => void;
}

/** A git process of one call. */
export class SpawnedGit implements GitProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly channel?: Duplex;
  readonly exited: Promise<GitExit>;
  readonly #spawned: SpawnedProcess;
  readonly #signal: AbortSignal;
  readonly #graceMs: number;
  readonly #onAbort: () => void;
  #hasExited = false;

  constructor(spawned: SpawnedProcess, options: SpawnedGitOptions) {
    const { signal } = options;
    this.pid = spawned.pid;
    this.stdin = spawned.stdin ?? closedWritable();
    this.stdout = spawned.stdout;
    this.stderr = spawned.stderr ?? Readable.from([]);
    if (spawned.channel !== undefined) this.channel = spawned.channel;
    this.#spawned = spawned;
    this.#signal = signal;
    this.#graceMs = options.mayUpdateRefs ? GRACE_WRITING_MS : GRACE_MS;
    this.#onAbort = () => this.#end(asError(signal.reason));
    this.exited = spawned.exited.then(({ exitCode, signal: ended, stderr, usage }) => {
      this.#hasExited = true;
      signal.removeEventListener("abort", this.#onAbort);
      // A child that git left behind may hold the other end; nobody reads there any more.
      this.stdin.destroy();
      const exit = { exitCode, signal: ended, stderr: stderrText(stderr) };
      options.onExit(exit, usage);
      return exit;
    });
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  async feed(source: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    if (source instanceof Uint8Array) {
      this.stdin.end(source);
      return;
    }
    // The source may have nothing more to say after git has ended, so it is not waited for.
    await Promise.race([this.#write(source), this.exited]);
  }

  async wait(okExitCodes: readonly number[] = []): Promise<GitExit> {
    const exit = await this.exited;
    if (exit.exitCode === 0 || okExitCodes.includes(exit.exitCode)) return exit;
    if (exit.signal !== undefined) this.#signal.throwIfAborted();
    throw new GitExitError(exit);
  }

  kill(signal?: NodeJS.Signals): void {
    if (signal === undefined) this.#end();
    else this.#spawned.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasExited) this.#end();
    await this.exited;
    this.stdout.destroy();
    this.stderr.destroy();
    this.channel?.destroy();
  }

  async #write(source: AsyncIterable<Uint8Array>): Promise<void> {
    const { stdin } = this;
    try {
      for await (const chunk of source) {
        if (stdin.destroyed) return;
        if (!stdin.write(chunk)) await drainedOrClosed(stdin);
      }
    } catch (error) {
      // After git's end this is about nothing.
      if (this.#hasExited) return;
      this.#end(asError(error));
      throw error;
    }
    stdin.end();
  }

  /** Whoever reads stdout learns of `reason`: it must not look like the end of the output. */
  #end(reason?: Error): void {
    this.#spawned.cancel(this.#graceMs);
    this.stdout.destroy(reason);
  }
}

/** Streams want an Error, while a signal's reason may be anything. */
function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("ended", { cause: reason });
}

function drainedOrClosed(stream: Writable): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}

function closedWritable(): Writable {
  const closed = new Writable();
  closed.on("error", () => undefined);
  return closed.end();
}
