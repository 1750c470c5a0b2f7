import type { Readable } from "node:stream";

/**
 * Reads a duplex stream to its end without ending its other direction: iterated by itself, a stream
 * is destroyed as soon as there is nothing more to read.
 */
export function readSide(stream: Readable): AsyncIterable<Buffer> {
  return stream.iterator({ destroyOnReturn: false });
}
