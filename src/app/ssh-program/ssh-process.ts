import type { Writable } from "node:stream";

/** What `gitaly-ssh` may use of the process that git has started in place of ssh. */
export interface SshProcess {
  /** What follows the program's name: the command, and two words that git gives to ssh. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Writable;
  readonly stderr: Writable;
}
