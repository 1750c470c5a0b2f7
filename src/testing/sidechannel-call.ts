import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { TestContext } from "node:test";
import type { CallOptions } from "../rpc/client/call-options.ts";
import { type Channel, type DialOptions, dial } from "../rpc/client/channel.ts";
import type { TestServer } from "./test-server.ts";

/** Both of what a call with a sidechannel may come to. */
export interface SidechannelResult<Reply> {
  /** All that the server has sent beside the call. */
  readonly output: Buffer;
  readonly reply: Reply | undefined;
  /** Why the call has failed, if it has. */
  readonly error: unknown;
}

/** A channel on which calls can have sidechannels; it ends with the test. */
export function dialSidechannels(
  t: TestContext,
  { socketPath }: Pick<TestServer, "socketPath">,
  options: DialOptions = {},
): Channel {
  const channel = dial(`unix:${socketPath}`, { ...options, sidechannel: true });
  t.after(() => channel.close());
  return channel;
}

/** Makes a call, sends `input` beside it and reads what comes back, whatever becomes of it. */
export async function callWithInput<Reply>(
  channel: Channel,
  input: Uint8Array,
  call: (options: CallOptions) => Promise<Reply>,
  options: CallOptions = {},
): Promise<SidechannelResult<Reply>> {
  let output: Buffer = Buffer.alloc(0);
  const use = async (stream: Readable & { end(bytes: Uint8Array): unknown }): Promise<void> => {
    stream.end(input);
    output = await buffer(stream);
  };
  try {
    const reply = await channel.withSidechannel(use, call, options);
    return { output, reply, error: undefined };
  } catch (error) {
    return { output, reply: undefined, error };
  }
}
