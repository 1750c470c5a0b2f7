/** What a hook may use of the process that git has started for it. */
export interface HookProcess {
  /** What the process was started as: git names hooks by the file that it runs. */
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Settles when there is room for more. */
  readonly stdout: (chunk: Uint8Array) => Promise<void>;
  /** Settles when there is room for more. */
  readonly stderr: (chunk: Uint8Array) => Promise<void>;
}
