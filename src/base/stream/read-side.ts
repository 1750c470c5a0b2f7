import { finished, type Readable } from "node:stream";

/**
 * Reads a duplex stream to its end and leaves its other direction alone, whatever happens: Node's
 * own iterators destroy a stream when it fails or is read no further, with what it had still to
 * write.
 *
 * Rejects when the stream fails or is closed before its end.
 */
export async function* readSide(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  let wake = (): void => undefined;
  let end: { readonly error: Error | null | undefined } | undefined;
  const readable = (): void => wake();
  stream.on("readable", readable);
  const forget = finished(stream, { writable: false }, (error) => {
    end = { error };
    wake();
  });
  try {
    for (;;) {
      const chunk: Buffer | null = stream.destroyed ? null : stream.read();
      if (chunk !== null) {
        yield chunk;
      } else if (end !== undefined) {
        if (end.error) throw end.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stream.off("readable", readable);
    forget();
  }
}
