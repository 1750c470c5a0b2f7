import type { Duplex } from "node:stream";

/** The first bytes of a connection tell what follows. */
export type Protocol = "http2" | "backchannel";

/** What a client sends first when it wants the connection multiplexed. */
export const BACKCHANNEL_MAGIC: Buffer = Buffer.from("backchannel");

/**
 * Reads as many bytes as it takes to know what the other side speaks.
 *
 * The magic bytes are consumed; anything else is left in the stream, which is paused. Undefined
 * when the connection ends before that. Holds no more than the length of the magic and one read;
 * the caller sets the time limit by destroying the stream.
 */
export async function detectProtocol(stream: Duplex): Promise<Protocol | undefined> {
  const { promise, resolve } = Promise.withResolvers<Protocol | undefined>();
  let received: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const compared = Math.min(received.length, BACKCHANNEL_MAGIC.length);
    const matches = received.subarray(0, compared).equals(BACKCHANNEL_MAGIC.subarray(0, compared));
    if (matches && compared < BACKCHANNEL_MAGIC.length) return;
    stream.off("data", onData);
    stream.pause();
    const rest = matches ? received.subarray(compared) : received;
    if (rest.length > 0) stream.unshift(rest);
    resolve(matches ? "backchannel" : "http2");
  };
  const onGone = (): void => resolve(undefined);
  stream.on("data", onData).once("end", onGone).once("close", onGone);
  try {
    return await promise;
  } finally {
    stream.off("data", onData).off("end", onGone).off("close", onGone);
  }
}
