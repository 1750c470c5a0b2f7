import type { Readable } from "node:stream";
import { SidechannelError } from "./sidechannel-error.ts";

/**
 * Reads the first `count` bytes of a stream and leaves the rest in it.
 *
 * When the signal is aborted the stream is destroyed, which is how a time limit is set.
 */
export async function readExactly(
  stream: Readable,
  count: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const onAbort = (): void => {
    stream.destroy(new SidechannelError("i/o deadline reached"));
  };
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  let bytes: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= count) break;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  if (bytes.length < count)
    throw new SidechannelError(bytes.length === 0 ? "EOF" : "unexpected EOF");
  if (bytes.length > count) stream.unshift(bytes.subarray(count));
  return bytes.subarray(0, count);
}
