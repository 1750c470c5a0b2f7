import { once } from "node:events";
import type { Writable } from "node:stream";

/**
 * Writes a chunk and settles when there is room for the next. Rejects when the sink has failed or
 * is closed by the other side, and when the signal is aborted.
 */
export async function writeTo(
  sink: Writable,
  chunk: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  if (sink.destroyed) throw sink.errored ?? new Error("the other side has gone away");
  if (sink.write(chunk)) return;
  const gone = new AbortController();
  const close = (): void => gone.abort();
  sink.once("close", close);
  signal?.addEventListener("abort", close);
  try {
    signal?.throwIfAborted();
    await once(sink, "drain", { signal: gone.signal });
  } finally {
    sink.off("close", close);
    signal?.removeEventListener("abort", close);
  }
}
