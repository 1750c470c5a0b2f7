import { once } from "node:events";
import type { Writable } from "node:stream";

/** Writes a chunk and settles when there is room for the next. Rejects when the sink has failed. */
export async function writeTo(sink: Writable, chunk: Uint8Array): Promise<void> {
  if (sink.destroyed) throw sink.errored ?? new Error("the other side has gone away");
  if (sink.write(chunk)) return;
  const gone = new AbortController();
  const close = (): void => gone.abort();
  sink.once("close", close);
  try {
    await once(sink, "drain", { signal: gone.signal });
  } finally {
    sink.off("close", close);
  }
}
