/*
 * What `native/pack-objects-hook.c`, which stands in for a `git pack-objects`, and the server say to
 * each other over descriptor 3:
 *
 *   hook    { LENGTH BYTES }      frames, LENGTH in four bytes with the highest first
 *   server  pkt-lines             side-band-64k, and a flush when the pack is complete
 *
 * The hook's first frame are its arguments, each with a zero byte behind it; the others its standard
 * input, up to an empty one. It puts each band on its own stream.
 */
import type { Duplex } from "node:stream";
import { DomainError } from "../../../base/error/domain-error.ts";

/** Most bytes of a frame that the hook sends. */
const FRAME_BYTES_MAX = 64 * 1024;

const LENGTH_BYTES = 4;

/** What the hook is started to make. */
export interface HookedPack {
  /** Behind the program's name. */
  readonly args: readonly string[];
  readonly input: AsyncIterable<Uint8Array>;
}

/** Reads what the hook is started with. Undefined when git ends without a pack. */
export async function readHookedPack(channel: Duplex): Promise<HookedPack | undefined> {
  const frames = readFrames(channel);
  const { done, value } = await frames.next();
  if (done === true) return undefined;
  const args = value.toString().split("\0").slice(0, -1);
  return { args, input: frames };
}

/** Yields frames up to the empty one. Fails when the hook ends before. */
async function* readFrames(channel: Duplex): AsyncGenerator<Buffer, void, undefined> {
  let unread = Buffer.alloc(0);
  const chunks = channel.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  let count = 0;
  for await (const chunk of chunks) {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= LENGTH_BYTES) {
      const length = unread.readUInt32BE();
      if (length > FRAME_BYTES_MAX) throw new DomainError("internal", "hook's frame is too long");
      if (unread.length < LENGTH_BYTES + length) break;
      const frame = unread.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
      unread = unread.subarray(LENGTH_BYTES + length);
      if (count > 0 && length === 0) return;
      count += 1;
      yield frame;
    }
  }
  if (count > 0 || unread.length > 0) throw new DomainError("cancelled", "hook has gone away");
}
