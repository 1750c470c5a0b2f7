import type { FlagDefinitions, Flags } from "./parse-flags.ts";

/** What a command may use of the process that runs it. */
export interface Terminal {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

/** The command line as a command receives it. */
export interface Invocation extends Terminal {
  readonly flags: Flags;
  readonly args: readonly string[];
  /** Writes the command's help to stdout. */
  readonly showHelp: () => void;
}

/** A program, one of its commands, or a command's command. */
export interface Command {
  readonly name: string;
  /** A few words for the list of commands. */
  readonly usage: string;
  readonly usageText?: string;
  readonly description: string;
  readonly flags?: FlagDefinitions;
  readonly commands?: readonly Command[];
  /** Returns the exit code. A CommandError or any other error ends the program. */
  readonly run?: (invocation: Invocation) => Promise<number>;
}

/** Ends the program with `exitCode` after `message`, if there is one, on stderr. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
