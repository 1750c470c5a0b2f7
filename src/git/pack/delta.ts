import { CorruptObjectError } from "../object/object-error.ts";

/*
 * A delta describes an object as changes to another one, its base:
 *
 *   size of the base      7 bits a byte, lowest first, the top bit set on all but the last byte
 *   size of the result    likewise
 *   instructions          0xxxxxxx: the next x bytes are inserted (x is not 0)
 *                         1sssoooo: bytes of the base are copied; a set bit o says that a byte of
 *                         the offset follows, a set bit s a byte of the length, lowest first;
 *                         length 0 stands for 0x10000
 */

/** Sizes that a delta announces, in bytes. */
export interface DeltaSizes {
  readonly base: number;
  readonly result: number;
  /** Where the instructions begin. */
  readonly end: number;
}

/** Bytes at the start of a delta that always hold both sizes: 64 bits take ten bytes each. */
export const DELTA_SIZES_BYTES_MAX = 20;

/** Reads the sizes at the start of a delta. Throws `CorruptObjectError`. */
export function parseDeltaSizes(delta: Buffer): DeltaSizes {
  const base = parseSize(delta, 0);
  const result = parseSize(delta, base.end);
  return { base: base.value, result: result.value, end: result.end };
}

function parseSize(
  delta: Buffer,
  offset: number,
): { readonly value: number; readonly end: number } {
  let value = 0;
  let scale = 1;
  for (let end = offset; end < delta.length; scale *= 128) {
    const byte = delta[end++] ?? 0;
    value += (byte & 0x7f) * scale;
    if (value > Number.MAX_SAFE_INTEGER) break;
    if (byte < 0x80) return { value, end };
  }
  throw new CorruptObjectError("delta has no size");
}

/** Up to here a loop is faster than a call that copies memory. */
const LOOP_BYTES_MAX = 24;

/** A delta that is being applied; pieces of work with pauses between them, for large objects. */
export class DeltaApplication {
  readonly result: Buffer;
  readonly #base: Buffer;
  readonly #delta: Buffer;
  #position: number;
  #written = 0;

  /**
   * Throws `CorruptObjectError` when the base isn't the one that the delta was made for.
   *
   * @param room as many bytes as the result has, to become the result
   */
  constructor(base: Buffer, delta: Buffer, sizes: DeltaSizes, room?: Buffer) {
    if (sizes.base !== base.length) throw new CorruptObjectError("delta has another base");
    this.#base = base;
    this.#delta = delta;
    this.#position = sizes.end;
    this.result = room ?? Buffer.allocUnsafe(sizes.result);
  }

  /**
   * Goes on until the delta ends or about `bytesMax` more bytes are written; `true` when the
   * result is complete. Throws `CorruptObjectError`.
   */
  run(bytesMax: number): boolean {
    const delta = this.#delta;
    const limit = this.#written + bytesMax;
    while (this.#position < delta.length) {
      if (this.#written >= limit) return false;
      const instruction = delta[this.#position++] ?? 0;
      if (instruction >= 0x80) this.#copy(instruction);
      else if (instruction > 0) this.#insert(instruction);
      else throw new CorruptObjectError("delta has an unknown instruction");
    }
    if (this.#written !== this.result.length) {
      throw new CorruptObjectError("delta has another result");
    }
    return true;
  }

  #copy(instruction: number): void {
    let offset = 0;
    if ((instruction & 0x01) !== 0) offset = this.#byte();
    if ((instruction & 0x02) !== 0) offset |= this.#byte() << 8;
    if ((instruction & 0x04) !== 0) offset |= this.#byte() << 16;
    // Not by shifting, which would make the number negative.
    if ((instruction & 0x08) !== 0) offset += this.#byte() * 0x1000000;
    let length = 0;
    if ((instruction & 0x10) !== 0) length = this.#byte();
    if ((instruction & 0x20) !== 0) length |= this.#byte() << 8;
    if ((instruction & 0x40) !== 0) length |= this.#byte() << 16;
    if (length === 0) length = 0x10000;
    if (offset + length > this.#base.length) {
      throw new CorruptObjectError("delta copies beyond its base");
    }
    this.#write(this.#base, offset, length);
  }

  #insert(length: number): void {
    if (this.#position + length > this.#delta.length) {
      throw new CorruptObjectError("delta is cut short");
    }
    this.#write(this.#delta, this.#position, length);
    this.#position += length;
  }

  #write(source: Buffer, offset: number, length: number): void {
    const { result } = this;
    const written = this.#written;
    if (written + length > result.length) throw new CorruptObjectError("delta has another result");
    if (length <= LOOP_BYTES_MAX) {
      for (let i = 0; i < length; i++) result[written + i] = source[offset + i] ?? 0;
    } else {
      source.copy(result, written, offset, offset + length);
    }
    this.#written = written + length;
  }

  #byte(): number {
    const byte = this.#delta[this.#position++];
    if (byte === undefined) throw new CorruptObjectError("delta is cut short");
    return byte;
  }
}

/** Applies a delta at once, see `DeltaApplication`. Throws `CorruptObjectError`. */
export function applyDelta(base: Buffer, delta: Buffer, sizes: DeltaSizes, room?: Buffer): Buffer {
  const application = new DeltaApplication(base, delta, sizes, room);
  application.run(Number.POSITIVE_INFINITY);
  return application.result;
}
