import type { Duplex, Readable, Writable } from "node:stream";
import type { ProcessUsage } from "../command-usage.ts";

/**
 * Starts processes, each in a process group of its own.
 *
 * The server's own process never forks: that costs more the more memory it has. See
 * `startHelperSpawner`.
 */
export interface ProcessSpawner extends AsyncDisposable {
  /** Throws `GitSpawnError` when the process cannot be started. */
  spawn(request: SpawnRequest): Promise<SpawnedProcess>;
}

export interface SpawnRequest {
  /** Absolute path. */
  readonly program: string;
  /** Without the program's name. Bytes are handed on as they are. */
  readonly args: readonly (string | Uint8Array)[];
  /** The whole environment, as `NAME=value`. */
  readonly env: readonly string[];
  /** Absolute path of the directory to run in. */
  readonly cwd: string;
  /**
   * `"null"` reads as empty. A `"pipe"` takes up to a mebibyte ahead of its reader, a socket about
   * 200 KiB, but costs more to start with; where there are no pipes a socket takes its place.
   */
  readonly stdin: "socket" | "pipe" | "null";
  readonly stderr: "collect" | "stream";
  /** A duplex socket as descriptor 3. */
  readonly channel: boolean;
}

/** Errors of the streams are handled: a process that ends while it is written to is no accident. */
export interface SpawnedProcess {
  readonly pid: number;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  /** Only when streamed. */
  readonly stderr: Readable | undefined;
  readonly channel: Duplex | undefined;
  /**
   * Settles when the process has ended; after `cancel` when its whole group has. Never rejects.
   */
  readonly exited: Promise<SpawnExit>;
  /** Sends a signal to the process group. Does nothing once `exited` has settled. */
  kill(signal: NodeJS.Signals): void;
  /** Ends the process group: SIGTERM now, SIGKILL for what is left after `graceMs`. */
  cancel(graceMs: number): void;
}

export interface SpawnExit {
  /** 0…255, or -1 when a signal ended it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
  /** The start of stderr when it was collected, up to `STDERR_COLLECTED_BYTES_MAX`. */
  readonly stderr: Buffer;
  readonly usage: Omit<ProcessUsage, "realMicroseconds">;
}

/** How much of a process's stderr is kept; the rest is read and dropped. */
export const STDERR_COLLECTED_BYTES_MAX: number = 64 * 1024;
