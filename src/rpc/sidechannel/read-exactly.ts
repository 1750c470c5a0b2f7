import type { Readable } from "node:stream";
import { SidechannelError } from "./sidechannel-error.ts";

/** Whatever happens to a stream that is being read, one of these tells of it. */
const EVENTS = ["readable", "end", "error", "close"] as const;

/**
 * Reads the first `count` bytes of a stream and leaves the rest in it.
 *
 * Throws when the stream ends or fails before that, or the signal is aborted, which is how a time
 * limit is set; the caller then closes the stream.
 */
export async function readExactly(
  stream: Readable,
  count: number,
  signal: AbortSignal,
): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < count) {
    const chunk = await next(stream, signal);
    if (chunk === undefined)
      throw new SidechannelError(bytes.length === 0 ? "EOF" : "unexpected EOF");
    bytes = Buffer.concat([bytes, chunk]);
  }
  if (bytes.length > count) stream.unshift(bytes.subarray(count));
  return bytes.subarray(0, count);
}

/** What has arrived, or arrives next; undefined at the end. */
async function next(stream: Readable, signal: AbortSignal): Promise<Buffer | undefined> {
  for (;;) {
    if (signal.aborted) throw new SidechannelError("i/o deadline reached");
    if (stream.errored) throw stream.errored;
    const chunk: Buffer | null = stream.destroyed ? null : stream.read();
    if (chunk !== null) return chunk;
    if (stream.readableEnded || stream.destroyed) return undefined;
    await something(stream, signal);
  }
}

async function something(stream: Readable, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const happened = (): void => resolve();
  for (const event of EVENTS) stream.once(event, happened);
  signal.addEventListener("abort", happened);
  try {
    await promise;
  } finally {
    for (const event of EVENTS) stream.off(event, happened);
    signal.removeEventListener("abort", happened);
  }
}
