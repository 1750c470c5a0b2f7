import { createHash } from "node:crypto";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createDeflate, deflateSync } from "node:zlib";
import type { ObjectFormat, Oid } from "../oid/oid.ts";
import { encodeObjectHeader } from "./object-hash.ts";
import type { ObjectType } from "./object-type.ts";

/** Git's own choice for loose objects: they are packed before long. */
const OPTIONS = { level: constants.Z_BEST_SPEED } as const;

/** More than what doesn't get smaller grows by, and as much as zlib asks for at least. */
const SMALL_OVERHEAD_BYTES = 64;

const OUTPUT_BYTES_MAX = 16 * 1024;

/** Encodes the file of a loose object. Stops the event loop: for small contents. */
export function encodeLooseObject(type: ObjectType, content: Uint8Array): Buffer {
  const bytes = Buffer.concat([encodeObjectHeader(type, content.length), content]);
  // Output is made in pieces of this size, whose memory is taken in advance.
  const chunkSize = Math.min(bytes.length + SMALL_OVERHEAD_BYTES, OUTPUT_BYTES_MAX);
  return deflateSync(bytes, { ...OPTIONS, chunkSize });
}

/**
 * Writes the file of a loose object of any size; `content` has to have `size` bytes.
 *
 * @returns the object's id
 */
export async function writeLooseObject(
  type: ObjectType,
  size: number,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  format: ObjectFormat,
  file: Writable,
): Promise<Oid> {
  const hash = createHash(format);
  async function* input(): AsyncGenerator<Uint8Array, void, undefined> {
    let written = 0;
    const header = encodeObjectHeader(type, size);
    hash.update(header);
    yield header;
    for await (const chunk of content) {
      hash.update(chunk);
      written += chunk.length;
      yield chunk;
    }
    if (written !== size) throw new RangeError("object content has another size than announced");
  }
  await pipeline(input, createDeflate(OPTIONS), file);
  return hash.digest("hex") as Oid;
}
