import { once } from "node:events";
import type { Writable } from "node:stream";

/** Writes a chunk and waits until there is room for the next. Rejects when the sink has failed. */
export async function write(sink: Writable, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  if (sink.destroyed) throw new Error("the client has gone away");
  if (!sink.write(chunk)) await once(sink, "drain", { signal });
}
