import { CorruptObjectError } from "../object/object-error.ts";
import type { ObjectType } from "../object/object-type.ts";

/*
 * An entry of a pack begins with the type in three bits and the size in all others, seven bits a
 * byte and four in the first, lowest first, the top bit set on all but the last byte. A delta names
 * its base then: by a distance backwards (seven bits a byte, highest first, one added per further
 * byte), or by its id. The zlib stream follows.
 */

/** What stands at a place in a pack: an object, or a delta that leads to one. */
export type PackEntryKind = ObjectType | "offset-delta" | "ref-delta";

/** No head is longer than this. */
export const ENTRY_HEAD_BYTES_MAX = 42;

/** The head of a pack's entry. */
export class PackEntry {
  readonly kind: PackEntryKind;
  /** Bytes that the stream inflates to: of the object, or of the delta. */
  readonly size: number;
  /** For an `offset-delta`, how far before this entry its base stands. */
  readonly baseDistance: number;
  /** Length of the head. A `ref-delta`'s ends with the base's id. */
  readonly headLength: number;
  readonly #bytes: Buffer;
  readonly #end: number;
  #position: number;

  /**
   * Reads the head at `offset` of `bytes`, of which those before `end` may be used. Throws
   * `CorruptObjectError`.
   */
  constructor(bytes: Buffer, offset: number, end: number, oidBytes: number) {
    this.#bytes = bytes;
    this.#end = end;
    this.#position = offset;
    const first = this.#byte();
    const kind = ENTRY_KINDS[(first >> 4) & 7];
    if (kind === undefined) throw new CorruptObjectError("pack entry has an unknown type");
    this.kind = kind;
    this.size = this.#readSize(first);
    this.baseDistance = kind === "offset-delta" ? this.#readDistance() : 0;
    if (kind === "ref-delta") this.#position += oidBytes;
    if (this.#position > end) throw new CorruptObjectError("pack entry is cut short");
    this.headLength = this.#position - offset;
  }

  #readSize(first: number): number {
    let size = first & 0x0f;
    let scale = 16;
    for (let byte = first; byte >= 0x80; scale *= 128) {
      byte = this.#byte();
      size += (byte & 0x7f) * scale;
      if (size > Number.MAX_SAFE_INTEGER) throw new CorruptObjectError("pack entry has no size");
    }
    return size;
  }

  #readDistance(): number {
    let byte = this.#byte();
    let distance = byte & 0x7f;
    while (byte >= 0x80) {
      byte = this.#byte();
      distance = (distance + 1) * 128 + (byte & 0x7f);
      if (distance > Number.MAX_SAFE_INTEGER)
        throw new CorruptObjectError("pack entry has no base");
    }
    return distance;
  }

  #byte(): number {
    if (this.#position >= this.#end) throw new CorruptObjectError("pack entry is cut short");
    return this.#bytes[this.#position++] ?? 0;
  }
}

const ENTRY_KINDS: readonly (PackEntryKind | undefined)[] = [
  undefined,
  "commit",
  "tree",
  "blob",
  "tag",
  undefined,
  "offset-delta",
  "ref-delta",
];
