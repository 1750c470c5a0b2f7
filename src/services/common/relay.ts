import type { Readable, Writable } from "node:stream";

/** Pieces that have memory of their own are at least this large; smaller ones share some. */
const OWN_MEMORY_BYTES_MIN = 16 * 1024;

/**
 * Passes on what a process says, piece by piece. `send` settles when nothing needs the piece any
 * more: its memory is given back then.
 *
 * Left to the garbage collector, the pieces of a large pack would make it go through the whole heap
 * every 64 MB, which costs more than to move them.
 */
export async function relay(
  source: Readable,
  send: (piece: Buffer) => Promise<void>,
): Promise<void> {
  for await (const piece of source as AsyncIterable<Buffer>) {
    await send(piece);
    release(piece);
  }
}

/**
 * Writes pieces in one go; settles when the sink doesn't need them any more. Rejects when it has
 * failed.
 */
export function sendTo(sink: Writable, pieces: readonly Uint8Array[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (): void => {
    reject(sink.errored ?? new Error("the other side has gone away"));
  };
  if (sink.destroyed) {
    fail();
    return promise;
  }
  sink.once("close", fail);
  const last = pieces.length - 1;
  sink.cork();
  for (const [index, piece] of pieces.entries()) {
    if (index < last) sink.write(piece);
    else {
      sink.write(piece, (error) => {
        sink.off("close", fail);
        if (error === null || error === undefined) resolve();
        else reject(error);
      });
    }
  }
  sink.uncork();
  if (last < 0) resolve();
  return promise;
}

/** Ends a buffer's life, when its memory is no part of a larger one. */
function release({ buffer, byteLength }: Buffer): void {
  if (byteLength < OWN_MEMORY_BYTES_MIN || buffer.byteLength !== byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
