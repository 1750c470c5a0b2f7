import { finished, type Readable, type Writable } from "node:stream";

/** Bytes that are being sent before no more are taken. */
const PENDING_BYTES_MAX = 256 * 1024;

/**
 * Passes on what a process says, piece by piece. `send` settles when nothing needs the piece any
 * more: its memory is given back then. It may be called again before that, and keeps the order.
 *
 * Left to the garbage collector, the pieces of a large pack would make it go through the whole heap
 * every 64 MB, which costs more than to move them.
 */
export function relay(source: Readable, send: (piece: Buffer) => Promise<void>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let pendingBytes = 0;
  let ended = false;
  const settle = (): void => {
    if (ended && pendingBytes === 0) resolve();
  };
  const take = async (piece: Buffer): Promise<void> => {
    const { length } = piece;
    pendingBytes += length;
    if (pendingBytes >= PENDING_BYTES_MAX) source.pause();
    await send(piece);
    release(piece);
    pendingBytes -= length;
    if (pendingBytes < PENDING_BYTES_MAX && source.isPaused()) source.resume();
    settle();
  };
  // Not iterated: that joins pieces into new ones when the source is faster than the sink.
  source.on("data", (piece: Buffer) => {
    take(piece).catch((error: unknown) => {
      reject(error);
      source.destroy();
    });
  });
  finished(source, { writable: false }, (error) => {
    if (error !== null && error !== undefined) reject(error);
    ended = true;
    settle();
  });
  return promise;
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
  // As many as are sent at once: their bytes are bounded.
  sink.setMaxListeners(0);
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

/**
 * Ends a buffer's life, when its memory is its own: it fills most of it, from the beginning, and it
 * is too large for the memory that small buffers share.
 */
function release({ buffer, byteOffset, byteLength }: Buffer): void {
  const isOwner = byteOffset === 0 && byteLength > buffer.byteLength / 2;
  if (isOwner && byteLength > Buffer.poolSize / 2 && buffer instanceof ArrayBuffer) {
    buffer.transfer(0);
  }
}
