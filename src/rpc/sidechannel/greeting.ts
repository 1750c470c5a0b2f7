/*
 * A server that opens a sidechannel greets the client on a new multiplexed stream:
 *
 *   bytes 0–10    "sidechannel"
 *   bytes 11–18   the id that the client has sent in the call's metadata, big-endian
 *
 * and the client answers "ok". Both have to happen within the timeout.
 */
export const SIDECHANNEL_MAGIC: Buffer = Buffer.from("sidechannel");
export const ID_BYTES = 8;
export const CONFIRMATION: Buffer = Buffer.from("ok");
export const SIDECHANNEL_TIMEOUT_MS = 5000;

/** The metadata of a call that wants a sidechannel: a decimal number that the client chooses. */
export const ID_METADATA = "gitaly-sidechannel-id";

export function encodeGreeting(id: bigint): Buffer {
  const greeting = Buffer.alloc(SIDECHANNEL_MAGIC.length + ID_BYTES);
  SIDECHANNEL_MAGIC.copy(greeting);
  greeting.writeBigInt64BE(id, SIDECHANNEL_MAGIC.length);
  return greeting;
}
