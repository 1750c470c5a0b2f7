import { once } from "node:events";
import { type Duplex, Readable, Writable } from "node:stream";
import { type GitExit, GitExitError, type GitProcess } from "../git-runner.ts";
import type { SpawnedProcess } from "../spawn/process-spawner.ts";
import { stderrText } from "./stderr-text.ts";

/** From SIGTERM to SIGKILL, for commands that only read. */
const GRACE_MS = 80;
/** For commands that may hold locks of refs, which a SIGKILL would leave behind. */
const GRACE_WRITING_MS = 1000;

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

  constructor(spawned: SpawnedProcess, signal: AbortSignal, mayUpdateRefs: boolean) {
    this.pid = spawned.pid;
    this.stdin = spawned.stdin ?? closedWritable();
    this.stdout = spawned.stdout;
    this.stderr = spawned.stderr ?? Readable.from([]);
    if (spawned.channel !== undefined) this.channel = spawned.channel;
    this.#spawned = spawned;
    this.#signal = signal;
    this.#graceMs = mayUpdateRefs ? GRACE_WRITING_MS : GRACE_MS;
    this.#onAbort = () => this.#end();
    this.exited = spawned.exited.then(({ exitCode, signal, stderr }) => {
      this.#hasExited = true;
      this.#signal.removeEventListener("abort", this.#onAbort);
      return { exitCode, signal, stderr: stderrText(stderr) };
    });
    if (signal.aborted) this.#end();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  async feed(source: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const { stdin } = this;
    if (source instanceof Uint8Array) {
      stdin.end(source);
      return;
    }
    for await (const chunk of source) {
      if (stdin.destroyed || this.#hasExited) return;
      if (!stdin.write(chunk))
        await Promise.race([once(stdin, "drain"), once(stdin, "close"), this.exited]);
    }
    stdin.end();
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
    this.stdin.destroy();
    this.stdout.destroy();
    this.stderr.destroy();
    this.channel?.destroy();
  }

  #end(): void {
    this.#spawned.cancel(this.#graceMs);
    this.stdout.destroy(this.#signal.aborted ? this.#signal.reason : undefined);
  }
}

function closedWritable(): Writable {
  const closed = new Writable();
  closed.on("error", () => undefined);
  return closed.end();
}
