import type { Writable } from "node:stream";
import { writeTo } from "../../base/stream/write-to.ts";
import type { ExitStatus } from "../../proto/shared_pb.ts";

/** A reply of the RPCs that run a command for a client. */
export interface CommandReply {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitStatus?: ExitStatus | undefined;
}

/** Where a command's output goes. */
export interface CommandOutput {
  readonly output: Writable;
  readonly errors: Writable;
}

/** What has become of a command: its exit status, and why the call has failed if it has. */
export interface CommandEnd {
  readonly status: number;
  readonly failure: Error | undefined;
}

/** Passes on what a remote command says. */
export async function relayReplies(
  replies: AsyncIterable<CommandReply>,
  { output, errors }: CommandOutput,
  signal: AbortSignal,
): Promise<CommandEnd> {
  let status = 0;
  try {
    for await (const { stdout, stderr, exitStatus } of replies) {
      if (exitStatus !== undefined) status = exitStatus.value;
      if (stderr.length > 0) await writeTo(errors, stderr, signal);
      if (stdout.length > 0) await writeTo(output, stdout, signal);
    }
  } catch (error) {
    return { status, failure: error instanceof Error ? error : new Error(String(error)) };
  }
  return { status, failure: undefined };
}
