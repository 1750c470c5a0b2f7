import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { GitSpawnError } from "../git-runner.ts";
import { HelperLink } from "./helper-link.ts";
import { findHelperProgram, type HelperProgram } from "./helper-program.ts";
import type { ProcessSpawner, SpawnedProcess, SpawnRequest } from "./process-spawner.ts";

export interface HelperSpawnerOptions {
  /** An existing folder that only this user may enter: the helper's socket is made there. */
  readonly runtimeDirectory: string;
  /** Default: `findHelperProgram()`. */
  readonly program?: HelperProgram;
}

/** Starts that are under way at once. More would overflow the queue of the helper's socket. */
const STARTS_MAX = 24;

/** Starts that wait for their turn; one more is refused. */
const WAITING_STARTS_MAX = 16_384;

/** What `sockaddr_un` has room for. */
const SOCKET_PATH_BYTES_MAX = 107;

/**
 * Starts the process helper, and returns the spawner that goes through it.
 *
 * Forking a server costs the more the more memory it has; the helper has next to none. It is
 * started anew when it should end by itself: the processes of that moment are lost, later ones are
 * not. Disposing ends all processes that still run.
 */
export async function startHelperSpawner(options: HelperSpawnerOptions): Promise<ProcessSpawner> {
  const spawner = new HelperSpawner(options);
  await spawner.start();
  return spawner;
}

class HelperSpawner implements ProcessSpawner {
  readonly #program: HelperProgram;
  readonly #folder: string;
  readonly #turns: (() => void)[] = [];
  #starts = 0;
  #link: HelperLink | undefined;
  #opening: Promise<HelperLink> | undefined;
  #isDisposed = false;

  constructor(options: HelperSpawnerOptions) {
    this.#program = options.program ?? findHelperProgram();
    this.#folder = options.runtimeDirectory;
  }

  async start(): Promise<void> {
    await this.#openLink();
  }

  async spawn(request: SpawnRequest): Promise<SpawnedProcess> {
    if (this.#starts < STARTS_MAX) this.#starts += 1;
    else await this.#waitForTurn();
    try {
      const link = this.#link?.isOpen === true ? this.#link : await this.#openLink();
      return await link.spawn(request);
    } finally {
      this.#passTurn();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#opening?.catch(() => undefined);
    await this.#link?.[Symbol.asyncDispose]();
  }

  async #waitForTurn(): Promise<void> {
    if (this.#turns.length >= WAITING_STARTS_MAX) {
      throw new GitSpawnError("too many processes wait to be started", "EAGAIN");
    }
    const turn = Promise.withResolvers<void>();
    this.#turns.push(turn.resolve);
    await turn.promise;
  }

  /** In the order of arrival. */
  #passTurn(): void {
    const next = this.#turns.shift();
    if (next === undefined) this.#starts -= 1;
    else next();
  }

  async #openLink(): Promise<HelperLink> {
    if (this.#isDisposed) throw new GitSpawnError("process helper was stopped", "ESHUTDOWN");
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<HelperLink> {
    await this.#link?.[Symbol.asyncDispose]();
    this.#link = await HelperLink.open(this.#program, this.#socketPath());
    return this.#link;
  }

  /** A new name each time: the helper before may still be removing its own. */
  #socketPath(): string {
    const path = join(this.#folder, `spawn-${randomBytes(4).toString("hex")}`);
    if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
    throw new GitSpawnError("runtime directory's path is too long for a socket", "ENAMETOOLONG");
  }
}
