import { writeTo } from "../../base/stream/write-to.ts";
import type { ClientSidechannel } from "../../rpc/sidechannel/client-sidechannel.ts";

/**
 * Moves bytes both ways at once: a client may still send when the server has begun to answer.
 *
 * Settles when the server has said everything.
 */
export async function exchange(
  stream: ClientSidechannel,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const sending = sendAll(stream, input, signal);
  // A server that has said everything does not wait for what the client still sends.
  sending.catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined));
  for await (const chunk of stream as AsyncIterable<Buffer>) await take(chunk);
}

async function sendAll(
  stream: ClientSidechannel,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of input) await writeTo(stream, chunk, signal);
  stream.end();
}
