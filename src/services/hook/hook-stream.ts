import { DomainError } from "../../base/error/domain-error.ts";
import type { HookOutput } from "../../hooks/context/push-context.ts";
import { HOOK_INPUT_BYTES_MAX } from "../../hooks/stub/read-hook-call.ts";
import { internal, wrapError } from "../../rpc/rpc-error.ts";
import { type OpenedStream, takeFirst } from "../common/first-request.ts";
import type { ReplyQueue } from "../common/reply-queue.ts";

/** Most bytes of output in one reply. */
const OUTPUT_BYTES_MAX = 128 * 1024;

/** A reply of the hooks that print something. */
export interface HookReply {
  readonly stdout?: Uint8Array;
  readonly stderr?: Uint8Array;
  readonly exitStatus?: { readonly value: number };
}

/** Takes the message that says which push the hook belongs to. */
export async function openHookStream<Request>(
  requests: AsyncIterable<Request>,
): Promise<OpenedStream<Request>> {
  try {
    return await takeFirst(requests);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw wrapError("internal", "receiving first request", error);
  }
}

/** Collects the standard input of a hook from the messages that follow. */
export async function readHookInput(
  requests: AsyncIterable<{ readonly stdin: Uint8Array }>,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const { stdin } of requests) {
    size += stdin.length;
    if (size > HOOK_INPUT_BYTES_MAX) throw internal("reading stdin from request: too large");
    if (stdin.length > 0) chunks.push(stdin);
  }
  return Buffer.concat(chunks, size);
}

/** Sends what a hook prints, in replies of a bounded size. */
export function hookOutput(replies: ReplyQueue<HookReply>): HookOutput {
  return {
    stdout: async (chunk) => {
      for (const stdout of pieces(chunk)) await replies.put({ stdout });
    },
    stderr: async (chunk) => {
      for (const stderr of pieces(chunk)) await replies.put({ stderr });
    },
  };
}

/** Yields `bytes` in pieces that fit into a reply. */
export function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += OUTPUT_BYTES_MAX) {
    yield bytes.subarray(offset, offset + OUTPUT_BYTES_MAX);
  }
}
