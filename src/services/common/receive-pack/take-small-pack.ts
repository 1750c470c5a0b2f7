import { setImmediate as nextTurn } from "node:timers/promises";
import type { ObjectDatabase } from "../../../git/object/object-database.ts";
import type { Oid } from "../../../git/oid/oid.ts";
import { SmallPackReader } from "../../../git/receive/small-pack-reader.ts";
import { type UnpackedObject, unpackSmallPack } from "../../../git/receive/unpack-small-pack.ts";
import type { ObjectWriter } from "../../../storage/object-write/object-writer.ts";
import type { IncomingPack } from "./incoming-pack.ts";

/** A small pack is on its way into a quarantine. */
export interface SmallPackNeeds {
  /** Those of the repository without the push. */
  readonly objects: ObjectDatabase;
  /** Those of the quarantine, in which there is nothing yet. */
  readonly writer: ObjectWriter;
  /** Most bytes of a pack; 0 without a limit. */
  readonly maxInputBytes: number;
  readonly signal: AbortSignal;
}

/** The objects are in the quarantine, or git has to read the pack from its beginning. */
export type SmallPackResult =
  | { readonly isTaken: true }
  | { readonly isTaken: false; readonly pack: IncomingPack };

/** Bytes that are written before others get their turn. */
const BYTES_PER_TURN = 128 * 1024;

/**
 * Does the work of `git unpack-objects --strict` for a small pack in which there is surely nothing to
 * complain about.
 */
export async function takeSmallPack(
  pack: IncomingPack,
  { objects, writer, maxInputBytes, signal }: SmallPackNeeds,
): Promise<SmallPackResult> {
  const source = pack.bytes[Symbol.asyncIterator]();
  const reader = new SmallPackReader(pack.objectCount, objects.format);
  const read: Uint8Array[] = [];
  const leave = (): SmallPackResult => {
    return { isTaken: false, pack: { ...pack, bytes: following(read, source) } };
  };
  for (let state = "incomplete"; state !== "complete"; ) {
    const { done, value } = await source.next();
    signal.throwIfAborted();
    if (done === true) return leave();
    read.push(value);
    state = reader.push(value);
    if (state === "unfit" || (maxInputBytes > 0 && reader.size > maxInputBytes)) return leave();
  }
  const unpacked = unpackSmallPack(reader.entries, objects);
  if (unpacked === undefined) return leave();
  return (await areWritten(unpacked, writer, signal)) ? { isTaken: true } : leave();
}

async function* following(
  read: Uint8Array[],
  source: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* read.splice(0);
  for (;;) {
    const { done, value } = await source.next();
    if (done === true) return;
    yield value;
  }
}

/** When something can't be written, nothing stays, and git has to say what the matter is. */
async function areWritten(
  unpacked: ReadonlyMap<Oid, UnpackedObject>,
  writer: ObjectWriter,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    let size = 0;
    for (const { type, content } of unpacked.values()) {
      await writer.write(type, content);
      size += content.length;
      if (size < BYTES_PER_TURN) continue;
      size = 0;
      await nextTurn();
      signal.throwIfAborted();
    }
    return true;
  } catch {
    signal.throwIfAborted();
    await writer.discard();
    return false;
  }
}
